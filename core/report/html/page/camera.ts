/** Which part of a drawing is seen, and how large: zoom, moves, the pointer and the wheel. Does not know what is drawn. */
import type { Layout, Place } from "../model.ts";

export interface Camera {
  /** Around the middle. */
  readonly zoom: (way: "in" | "out") => void;
  /** Shows the whole drawing. */
  readonly fit: () => void;
  readonly centre: (place: Place) => void;
  /** Whether somebody could read what is there. */
  readonly sees: (place: Place) => boolean;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const zoomStep = 1.3;
/** Of the screen to the drawing. */
const scales = { least: 0.02, tiny: 0.15, legible: 0.4, narrow: 0.65, readable: 0.9, most: 3 };
/** A frame below this is that of a phone. Pixels. */
const narrow = 640;
/** Between the drawing and the frame. Pixels. */
const margin = 16;

/** `start` is what is shown at first where the whole would be too small to read. */
export function createCamera(
  svg: SVGSVGElement,
  stage: SVGGElement,
  { width, height, start }: Pick<Layout, "width" | "height"> & { readonly start: () => Place | undefined },
): Camera {
  const view = { x: 0, y: 0, scale: 1 };
  const show = (): void => stage.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.scale})`);
  const frame = (): { readonly wide: number; readonly high: number } => ({
    wide: svg.clientWidth || 1000,
    high: svg.clientHeight || 500,
  });
  const fit = (): void => {
    const { wide, high } = frame();
    const whole = Math.min(1, (wide - margin * 2) / width, (high - margin * 2) / height);
    view.scale = Math.max(scales.least, whole);
    view.x = (wide - width * view.scale) / 2;
    view.y = (high - height * view.scale) / 2;
    show();
  };
  const centreAt = (scale: number, { x, y }: Point): void => {
    const { wide, high } = frame();
    view.scale = Math.max(view.scale, scale);
    view.x = wide / 2 - x * view.scale;
    view.y = high / 2 - y * view.scale;
    show();
  };
  const begin = (): void => {
    fit();
    const place = start();
    if (place === undefined) return;
    if (frame().wide < narrow && view.scale < scales.legible) centreAt(scales.narrow, place);
    else if (view.scale < scales.tiny) centreAt(scales.legible, place);
  };
  const zoomAt = (factor: number, { x, y }: Point): void => {
    const scale = Math.max(scales.least, Math.min(scales.most, view.scale * factor));
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    show();
  };
  svg.style.height = `min(${Math.max(180, height + margin * 3)}px, 34rem, 70vh)`;
  followPointer(svg, (by) => {
    view.x += by.x;
    view.y += by.y;
    show();
  });
  svg.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // The wheel alone scrolls the page.
      event.preventDefault();
      const { left, top } = svg.getBoundingClientRect();
      zoomAt(event.deltaY < 0 ? zoomStep : 1 / zoomStep, { x: event.clientX - left, y: event.clientY - top });
    },
    { passive: false },
  );
  let wideBefore = 0;
  new ResizeObserver(() => {
    // The height changes with the bars of a phone.
    if (frame().wide !== wideBefore) begin();
    wideBefore = frame().wide;
  }).observe(svg);
  return {
    fit,
    zoom(way) {
      const { wide, high } = frame();
      zoomAt(way === "in" ? zoomStep : 1 / zoomStep, { x: wide / 2, y: high / 2 });
    },
    centre: (place) => centreAt(scales.readable, place),
    sees({ x, y }) {
      const { wide, high } = frame();
      const [left, top] = [x * view.scale + view.x, y * view.scale + view.y];
      return view.scale >= scales.legible && left > 40 && top > 20 && left < wide - 40 && top < high - 20;
    },
  };
}

/** Moves by what the pointer moves while it holds the drawing. */
function followPointer(svg: SVGSVGElement, move: (by: Point) => void): void {
  let last: Point | undefined;
  let way = 0;
  svg.addEventListener("pointerdown", (event) => {
    last = { x: event.clientX, y: event.clientY };
    way = 0;
  });
  svg.addEventListener("pointermove", (event) => {
    if (last === undefined || event.buttons === 0) return;
    const by = { x: event.clientX - last.x, y: event.clientY - last.y };
    last = { x: event.clientX, y: event.clientY };
    way += Math.abs(by.x) + Math.abs(by.y);
    if (way > 4) svg.setPointerCapture(event.pointerId);
    move(by);
  });
  for (const end of ["pointerup", "pointercancel"] as const) svg.addEventListener(end, () => (last = undefined));
  // A drag that ends on a box is no click on it.
  svg.addEventListener("click", (event) => way > 4 && event.stopPropagation(), { capture: true });
}
