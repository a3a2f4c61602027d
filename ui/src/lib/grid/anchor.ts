/** A row and the place it was shown in. */
export interface Placed {
  id: string;
  index: number;
}

/**
 * By how many rows the list must be scrolled so that what is read stays where it
 * is: by as many as the first of the candidates that is still there has moved.
 */
export function shiftOf(candidates: readonly Placed[], indexOf: (id: string) => number): number {
  for (const { id, index } of candidates) {
    const now = indexOf(id);
    if (now >= 0) return now - index;
  }
  return 0;
}
