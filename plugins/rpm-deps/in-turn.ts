/** Many pieces of work, a few at a time. Does not know what they are. */

/** Does `work` with all items, so many at a time; the results keep the order. The first failure starts nothing new and waits for what runs. */
export async function inTurn<T, R>(
  items: readonly T[],
  size: number,
  work: (item: T, position: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length && failures.length === 0; at = next++) {
      try {
        results[at] = await work(items[at]!, at);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(size, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
