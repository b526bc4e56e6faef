/** Numbers for tests that look random and are the same every time. */

/** Returns a function that rolls a die of so many sides, from 0. */
export function createDice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % sides; // The lowest bits repeat soon.
  };
}
