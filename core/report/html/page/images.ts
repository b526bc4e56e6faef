/** Images that tasks returned, with digest and platform. */
import type { Image } from "../model.ts";
import { h, put, section } from "./dom.ts";
import type { Desk, View } from "./view.ts";

export function createImages(desk: Desk): View {
  const place = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "images-title" });
  const element = section("images", "Images", place);
  return {
    element,
    update() {
      const all = desk.page.tasks.flatMap(({ task, images = [] }) =>
        images.map((image): [string, Image] => [task, image]),
      );
      element.hidden = all.length === 0;
      put(place, renderImages(all, desk.open));
    },
  };
}

/** `open` absent: the task needs no naming. */
export function renderImages(
  images: readonly (readonly [task: string, image: Image])[],
  open?: (task: string) => void,
): HTMLElement {
  const heads = [...(open === undefined ? [] : ["Task"]), "Reference", "Platform", "Digest"];
  return h(
    "table",
    { class: "images" },
    h("thead", {}, h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)))),
    h(
      "tbody",
      {},
      ...images.map(([task, { reference = "", platform = "", digest, imageId }]) =>
        h(
          "tr",
          {},
          open === undefined
            ? undefined
            : h(
                "th",
                { scope: "row" },
                h("button", { type: "button", class: "link", onclick: () => open(task) }, task),
              ),
          h("td", {}, reference),
          h("td", {}, platform),
          h("td", {}, h("code", { title: imageId === undefined ? undefined : `Image ID ${imageId}` }, digest)),
        ),
      ),
    ),
  );
}
