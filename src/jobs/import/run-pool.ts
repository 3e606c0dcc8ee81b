/** Runs so many of the same loop side by side, and waits for all. `stop` hears of each failure, the first one first. */
export async function runPool(lanes: number, loop: () => Promise<void>, stop: (error: unknown) => void): Promise<void> {
  await Promise.all(Array.from({ length: lanes }, () => loop().catch(stop)));
}
