import { href, type Place, type PlaceFilter } from '../router.svelte';

/** Whether the screen is a list that can be narrowed by words. */
export function searchesHere({ screen, tab }: Pick<Place, 'screen' | 'tab'>): boolean {
  if (screen === 'failed') return tab !== 'causes';
  return screen === 'queue' || screen === 'activity';
}

/** Where a search leads that the screen itself cannot answer: to everything that matches, whatever its status. */
export function searchHref(q: string, orgId: string | null): string {
  const filter: PlaceFilter = { q };
  if (orgId !== null) filter.targetOrgId = orgId;
  return href('activity', 'events', filter);
}
