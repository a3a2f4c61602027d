import { describe, expect, it } from 'vitest';
import type { Route } from '../backend/backend';
import { leaves, lineBetween, NODE, places, thickness } from './map';

const AREA = { width: 900, height: 420 };
const route = (sourceOrgId: string, targetOrgId: string) => ({ sourceOrgId, targetOrgId }) as Route;

describe('the map', () => {
  it('puts two orgs beside each other', () => {
    const placed = places(['a', 'b'], [route('a', 'b')], AREA);
    expect(placed.get('a')?.y).toBe(placed.get('b')?.y);
    expect(placed.get('a')?.x).toBeLessThan(placed.get('b')?.x ?? 0);
  });

  it('puts the org that all routes share in the middle', () => {
    const orgs = ['a', 'b', 'hub', 'c'];
    const placed = places(orgs, [route('a', 'hub'), route('hub', 'b'), route('c', 'hub')], AREA);
    expect(placed.get('hub')).toEqual({ x: 450, y: 210 });
  });

  it('keeps every org within the area and away from the others', () => {
    for (let n = 1; n <= 8; n += 1) {
      const orgs = Array.from({ length: n }, (_, index) => `org${index}`);
      const placed = [...places(orgs, [], AREA).values()];
      expect(placed).toHaveLength(n);
      placed.forEach((one, index) => {
        expect(one.x).toBeGreaterThanOrEqual(NODE.width / 2);
        expect(one.x).toBeLessThanOrEqual(AREA.width - NODE.width / 2);
        expect(one.y).toBeGreaterThanOrEqual(NODE.height / 2);
        expect(one.y).toBeLessThanOrEqual(AREA.height - NODE.height / 2);
        for (const other of placed.slice(index + 1)) {
          const apart =
            Math.abs(one.x - other.x) >= NODE.width || Math.abs(one.y - other.y) >= NODE.height;
          expect(apart, `${n} orgs`).toBe(true);
        }
      });
    }
  });

  it('draws both directions of a pair apart', () => {
    const there = lineBetween({ x: 100, y: 100 }, { x: 600, y: 100 });
    const back = lineBetween({ x: 600, y: 100 }, { x: 100, y: 100 });
    expect(Math.abs(there.label.y - back.label.y)).toBeGreaterThan(30);
  });

  it('lets lines begin at the edge of a box', () => {
    expect(leaves({ x: 0, y: 0 }, { x: 1000, y: 0 })).toEqual({ x: NODE.width / 2, y: 0 });
    expect(leaves({ x: 0, y: 0 }, { x: 0, y: -1000 })).toEqual({ x: 0, y: -NODE.height / 2 });
    expect(leaves({ x: 5, y: 5 }, { x: 5, y: 5 })).toEqual({ x: 5, y: 5 });
  });

  it('draws more waiting items thicker, up to a limit', () => {
    const widths = [0, 9, 99, 999, 1_000_000].map(thickness);
    expect(widths.slice(0, 4)).toEqual([1.5, 3.5, 5.5, 7.5]);
    expect(widths[4]).toBe(10);
  });
});
