/** A row in sight and how far below the scroller's top edge it is. */
export interface Anchor {
  id: string;
  top: number;
}

function rowTops(scroller: HTMLElement): Anchor[] {
  const edge = scroller.getBoundingClientRect().top;
  return [...scroller.querySelectorAll<HTMLElement>('tr[data-id]')].map((row) => ({
    id: row.dataset['id'] ?? '',
    top: row.getBoundingClientRect().top - edge,
  }));
}

/**
 * Where the rows in sight are, to hold them there while others come and go. None
 * when the list is at its top: whoever is there wants to see what is new.
 *
 * Chromium does this by itself, WebKit (the desktop window) does not.
 */
export function anchorsOf(scroller: HTMLElement): Anchor[] {
  if (scroller.scrollTop === 0) return [];
  const head = scroller.querySelector('thead')?.getBoundingClientRect().height ?? 0;
  return rowTops(scroller).filter(({ top }) => top >= head && top < scroller.clientHeight);
}

/** Scrolls so that the first of the anchors that is still there is where it was. */
export function holdAnchors(scroller: HTMLElement, anchors: readonly Anchor[]): void {
  if (anchors.length === 0) return;
  const now = new Map(rowTops(scroller).map(({ id, top }) => [id, top]));
  const kept = anchors.find(({ id }) => now.has(id));
  if (kept !== undefined) scroller.scrollTop += (now.get(kept.id) ?? kept.top) - kept.top;
}
