import { describe, expect, it } from 'vitest';
import { LARGEST_PAGE, PagedRows, type FreshPage, type Stretch } from './rows';

interface Made {
  id: string;
  key: number;
  text: string;
}

/** A program with rows in the order of their keys, paged by cursors as the real one does. */
class Program {
  made: Made[] = [];

  put(id: string, key: number, text = ''): void {
    this.take(id);
    this.made.push({ id, key, text });
    this.made.sort((a, b) => a.key - b.key);
  }

  take(id: string): void {
    this.made = this.made.filter((row) => row.id !== id);
  }

  page(cursor: string | null, limit: number): FreshPage<Made> {
    const after = this.made.filter((row) => cursor === null || row.key > Number(cursor));
    const rows = after.slice(0, limit).map((row) => ({ ...row }));
    const last = rows.at(-1);
    return { rows, nextCursor: after.length > limit ? String(last?.key) : null };
  }
}

/** Loads everything, in pages of a size. */
function load(program: Program, size: number): PagedRows<Made> {
  const rows = new PagedRows<Made>();
  let cursor: string | null = null;
  do {
    const page: FreshPage<Made> = program.page(cursor, size);
    rows.append(cursor, page.rows, 1);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return rows;
}

/** Reads a stretch again, as a list does. */
function again(rows: PagedRows<Made>, program: Program, stretch: Stretch<Made>, slack = 2): void {
  const page = program.page(stretch.cursor, stretch.rows.length + slack);
  rows.apply(stretch, page, rows.compare(stretch, page), 2);
}

function filled(n: number): Program {
  const program = new Program();
  for (let i = 1; i <= n; i += 1) program.put(`r${i}`, i * 100);
  return program;
}

const first = (rows: PagedRows<Made>) => rows.stretches[0] as Stretch<Made>;

describe('PagedRows', () => {
  it('keeps names and places of rows that are dropped, and takes the rows back', () => {
    const program = filled(12);
    const rows = load(program, 3);
    rows.drop(6, 7, 'r10');
    expect(rows.full).toBe(9);
    expect([rows.length, rows.idAt(4), rows.indexOf('r5'), rows.has('r5')]).toEqual([
      12,
      'r5',
      4,
      true,
    ]);
    expect([rows.at(4), rows.get('r5')]).toEqual([undefined, undefined]);
    expect([rows.at(0)?.id, rows.at(6)?.id, rows.at(10)?.id]).toEqual(['r1', 'r7', 'r11']);
    expect(rows.idsBetween(3, 5)).toEqual(['r4', 'r5', 'r6']);
    const [stretch] = rows.between(4, 4) as [Stretch<Made>];
    program.put('r5', 500, 'changed meanwhile');
    program.take('r6');
    expect(rows.fill(stretch, program.page(stretch.cursor, 3).rows)).toBe(false);
    expect([rows.get('r5')?.text, rows.at(5), rows.idAt(5)]).toEqual([
      'changed meanwhile',
      undefined,
      'r6',
    ]);
    again(rows, program, stretch);
    expect(rows.ids()).toEqual(program.made.map((row) => row.id));
    expect(rows.full).toBe(11);
  });

  it('is read again where rows of it were dropped, as where none were', () => {
    const program = filled(9);
    const rows = load(program, 3);
    rows.drop(0, 0, null);
    program.put('new', 450);
    program.put('r8', 50);
    for (const stretch of [...rows.stretches]) again(rows, program, stretch);
    expect(rows.ids()).toEqual(program.made.map((row) => row.id));
    expect(rows.full).toBe(10);
  });

  it('finds rows by place and by name across stretches', () => {
    const rows = load(filled(10), 3);
    expect(rows.length).toBe(10);
    expect(rows.stretches).toHaveLength(4);
    expect(rows.at(0)?.id).toBe('r1');
    expect(rows.at(5)?.id).toBe('r6');
    expect(rows.at(9)?.id).toBe('r10');
    expect(rows.at(10)).toBeUndefined();
    expect(rows.indexOf('r7')).toBe(6);
    expect(rows.indexOf('nobody')).toBe(-1);
    expect(rows.idsBetween(2, 4)).toEqual(['r3', 'r4', 'r5']);
    expect(rows.between(2, 6).map((one) => one.start)).toEqual([0, 3, 6]);
    expect(new PagedRows().at(0)).toBeUndefined();
  });

  it('never holds a row twice', () => {
    const program = filled(6);
    const rows = load(program, 3);
    rows.append('300', program.page('300', 3).rows, 2);
    expect(rows.length).toBe(6);
    expect(rows.ids()).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6']);
  });

  it('puts new states in their places and moves nothing', () => {
    const program = filled(6);
    const rows = load(program, 3);
    rows.patch([
      { id: 'r5', key: 1, text: 'new' },
      { id: 'stranger', key: 2, text: '' },
    ]);
    expect(rows.at(4)?.text).toBe('new');
    expect(rows.length).toBe(6);
  });

  it('takes in what came at the top, and counts it', () => {
    const program = filled(9);
    const rows = load(program, 3);
    program.put('new1', 10);
    program.put('new2', 20);
    const page = program.page(null, 5);
    const found = rows.compare(first(rows), page);
    expect(found.added).toEqual(['new1', 'new2']);
    expect(found.left).toEqual([]);
    rows.apply(first(rows), page, found, 2);
    expect(rows.ids().slice(0, 4)).toEqual(['new1', 'new2', 'r1', 'r2']);
    expect(rows.length).toBe(11);
    expect(rows.indexOf('r9')).toBe(10);
  });

  it('loses what left, and does not take rows of the next stretch for its own', () => {
    const program = filled(9);
    const rows = load(program, 3);
    program.take('r2');
    again(rows, program, first(rows));
    expect(rows.ids()).toEqual(['r1', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9']);
    expect(first(rows).rows).toHaveLength(2);
  });

  it('moves a row that went elsewhere in the order', () => {
    const program = filled(9);
    const rows = load(program, 3);
    program.put('r8', 150, 'moved');
    again(rows, program, first(rows));
    expect(rows.ids()).toEqual(['r1', 'r8', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r9']);
    expect(rows.get('r8')?.text).toBe('moved');
  });

  it('takes no row behind the last loaded one for news while there are more', () => {
    const program = filled(9);
    const rows = new PagedRows<Made>();
    rows.append(null, program.page(null, 3).rows, 1);
    program.put('new', 150);
    const page = program.page(null, 6);
    expect(rows.compare(first(rows), page, true).added).toEqual(['new']);
    expect(rows.compare(first(rows), page).added).toEqual(['new', 'r4', 'r5']);
  });

  it('keeps what an answer was too short to tell about, as a stretch with a beginning of its own', () => {
    const program = filled(9);
    const rows = load(program, 3);
    for (let i = 0; i < 5; i += 1) program.put(`new${i}`, 10 + i);
    again(rows, program, first(rows), 0);
    expect(rows.ids()).toEqual([
      ...['new0', 'new1', 'new2'],
      ...['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9'],
    ]);
    // The next reading of the rest finds what the first could not reach.
    again(rows, program, rows.stretches[1] as Stretch<Made>);
    expect(rows.ids()).toEqual(program.made.map((row) => row.id));
  });

  it('drops everything behind an answer that ends the list', () => {
    const program = filled(9);
    const rows = load(program, 3);
    program.made = [];
    again(rows, program, first(rows));
    expect(rows.length).toBe(0);
    expect(rows.stretches).toHaveLength(1);
    program.put('back', 1);
    again(rows, program, first(rows));
    expect(rows.ids()).toEqual(['back']);
  });

  it('keeps stretches few however often something comes', () => {
    const program = filled(600);
    const rows = load(program, 100);
    for (let i = 0; i < 300; i += 1) {
      program.put(`new${i}`, 99 - i / 10);
      const page = program.page(null, 100);
      rows.apply(first(rows), page, rows.compare(first(rows), page), 2);
    }
    expect(rows.length).toBe(900);
    expect(rows.stretches.length).toBeLessThan(10);
    for (const stretch of rows.stretches) {
      expect(stretch.rows.length).toBeLessThanOrEqual(LARGEST_PAGE);
    }
  });

  it('is the program’s own list again once every stretch was read again, whatever happened', () => {
    let seed = 7;
    const random = (n: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * n);
    };
    for (let round = 0; round < 200; round += 1) {
      const program = filled(1 + random(30));
      const rows = load(program, 1 + random(6));
      for (let step = 0; step < 1 + random(8); step += 1) {
        const id = `r${1 + random(40)}`;
        if (random(3) === 0) program.take(id);
        else program.put(id, 1 + random(30_000) / 10);
        if (random(2) === 0) again(rows, program, rows.stretches[random(rows.stretches.length)]!);
        expect(new Set(rows.ids()).size).toBe(rows.length);
        rows.ids().forEach((one, index) => expect(rows.indexOf(one)).toBe(index));
      }
      // Reading a stretch can make another behind it: go on until all were read.
      for (let pass = 0; pass < 3; pass += 1) {
        for (let i = 0; i < rows.stretches.length; i += 1) again(rows, program, rows.stretches[i]!);
      }
      const loaded = new Set(rows.ids());
      const known = program.made.filter((row) => loaded.has(row.id)).map((row) => row.id);
      expect(rows.ids()).toEqual(known);
    }
  });
});
