import type { Route } from '../backend/backend';

/** A point on the map, in pixels. */
export interface Point {
  x: number;
  y: number;
}

/** The size of a node's box, in pixels. */
export const NODE = { width: 196, height: 66 } as const;

const key = (orgId: string) => orgId.slice(0, 15);

/** The org that every route begins or ends at, if there is one and it has more than two neighbours. */
function hubOf(orgIds: readonly string[], routes: readonly Route[]): string | null {
  if (orgIds.length < 4) return null;
  const hub = orgIds.find((orgId) =>
    routes.every(
      (one) => key(one.sourceOrgId) === key(orgId) || key(one.targetOrgId) === key(orgId),
    ),
  );
  return hub !== undefined && routes.length > 1 ? hub : null;
}

/** How far boxes keep from the edge of the map, in pixels. */
const EDGE = 12;

/** Numbers stretched so that they fill the room from `low` to `high`; where they are all one, in its middle. */
function spread(values: readonly number[], low: number, high: number): number[] {
  const least = Math.min(...values);
  const range = Math.max(...values) - least;
  if (range < 1e-9) return values.map(() => (low + high) / 2);
  return values.map((value) => low + ((value - least) / range) * (high - low));
}

/**
 * Where the orgs stand: two beside each other, more of them on an ellipse, and in
 * its middle the one that all routes have in common, if there is one.
 */
export function places(
  orgIds: readonly string[],
  routes: readonly Route[],
  area: { width: number; height: number },
): Map<string, Point> {
  const middle = { x: area.width / 2, y: area.height / 2 };
  const placed = new Map<string, Point>();
  const hub = hubOf(orgIds, routes);
  if (hub !== null) placed.set(hub, middle);
  const around = orgIds.filter((orgId) => orgId !== hub);
  if (around.length === 1 && hub === null) return new Map([[around[0] ?? '', middle]]);
  const angles = around.map((_, index) => Math.PI + (index / around.length) * 2 * Math.PI);
  const xs = spread(
    angles.map(Math.cos),
    NODE.width / 2 + EDGE,
    area.width - NODE.width / 2 - EDGE,
  );
  const ys = spread(
    angles.map(Math.sin),
    NODE.height / 2 + EDGE,
    area.height - NODE.height / 2 - EDGE,
  );
  around.forEach((orgId, index) => {
    placed.set(orgId, { x: xs[index] ?? middle.x, y: ys[index] ?? middle.y });
  });
  return placed;
}

/** Where the line from a box's middle towards a point leaves the box. */
export function leaves(box: Point, towards: Point, gap = 0): Point {
  const dx = towards.x - box.x;
  const dy = towards.y - box.y;
  const half = { x: NODE.width / 2 + gap, y: NODE.height / 2 + gap };
  const scale = Math.max(Math.abs(dx) / half.x, Math.abs(dy) / half.y);
  return scale === 0 ? box : { x: box.x + dx / scale, y: box.y + dy / scale };
}

/** A line of the map. */
export interface Line {
  /** The SVG path. */
  path: string;
  /** Where its label stands. */
  label: Point;
}

/** How far a line bends to its side, so that both directions are seen. */
const BEND = 26;

/** The line from one org to another, bent to the right of its direction. */
export function lineBetween(from: Point, to: Point): Line {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const side = { x: (-dy / length) * BEND, y: (dx / length) * BEND };
  const control = { x: (from.x + to.x) / 2 + side.x * 2, y: (from.y + to.y) / 2 + side.y * 2 };
  const start = leaves(from, control, 2);
  // The head of the arrow takes the room up to the box.
  const end = leaves(to, control, 8);
  const round = (value: number) => Math.round(value * 10) / 10;
  const at = ({ x, y }: Point) => `${round(x)} ${round(y)}`;
  // Nearer to where it begins: in the middle the labels of lines that cross would lie over each other.
  const t = 0.38;
  const [a, b, c] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
  const label = {
    x: a * start.x + b * control.x + c * end.x,
    y: a * start.y + b * control.y + c * end.y,
  };
  return { path: `M ${at(start)} Q ${at(control)} ${at(end)}`, label };
}

/** The thickness of a line for so many waiting items, in pixels: each tenfold adds as much again. */
export function thickness(waiting: number): number {
  return Math.min(10, 1.5 + 2 * Math.log10(1 + Math.max(0, waiting)));
}
