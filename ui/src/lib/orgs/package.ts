import type { Org } from '../backend/backend';

/** Does this org have Delivery Hub's package, as far as is known? */
export function hasPackage(org: Pick<Org, 'adapter'>): boolean {
  return org.adapter?.namespace !== undefined && org.adapter.namespace !== null;
}
