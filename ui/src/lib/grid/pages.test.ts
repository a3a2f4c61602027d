import { describe, expect, it } from 'vitest';
import { Pages } from './pages.svelte';

interface Made {
  key: string;
  at: number;
}

/** A program whose rows are ordered by when they were last touched. */
function setUp(n: number) {
  let made: Made[] = Array.from({ length: n }, (_, i) => ({ key: `k${i}`, at: n - i }));
  const program = {
    broken: false,
    touch(key: string, at: number) {
      made = [{ key, at }, ...made.filter((row) => row.key !== key)];
    },
    clear: () => (made = []),
  };
  const pages = new Pages<Made>(
    async (limit, cursor) => {
      if (program.broken) throw new Error('no');
      const after = made.filter((row) => cursor === null || row.at < Number(cursor));
      const rows = after.slice(0, limit);
      return { rows, nextCursor: after.length > limit ? String(rows.at(-1)?.at) : null };
    },
    (row) => row.key,
    () => undefined,
  );
  return { program, pages };
}

const keys = (pages: Pages<Made>) => pages.rows.map((row) => row.key);

describe('Pages', () => {
  it('grows at its end and keeps that when its top is read again', async () => {
    const { pages, program } = setUp(250);
    await pages.refresh();
    expect([pages.length, pages.more]).toEqual([100, true]);
    pages.look(20);
    expect(pages.tail).toBe('idle');
    await pages.loadMore();
    await pages.loadMore();
    expect([pages.length, pages.more]).toEqual([250, false]);
    program.touch('k200', 1000);
    await pages.refresh();
    expect(pages.at(0)).toEqual({ key: 'k200', at: 1000 });
    expect(pages.idAt(0)).toBe('k200');
    expect(pages.length).toBe(250);
    expect(pages.indexOf('k0')).toBe(1);
    expect(pages.indexOf('nobody')).toBe(-1);
  });

  it('loses what is there no more', async () => {
    const { pages, program } = setUp(5);
    await pages.refresh();
    program.clear();
    await pages.refresh();
    expect([pages.length, pages.phase]).toEqual([0, 'ready']);
  });

  it('moves nothing while somebody is about to click, and catches up afterwards', async () => {
    const { pages, program } = setUp(3);
    await pages.refresh();
    pages.hold(true);
    program.touch('k2', 9);
    await pages.refresh();
    expect(keys(pages)).toEqual(['k0', 'k1', 'k2']);
    expect(pages.rows[2]?.at).toBe(9);
    pages.hold(false);
    await pages.refresh();
    expect(keys(pages)).toEqual(['k2', 'k0', 'k1']);
  });

  it('says what failed, and keeps what it has', async () => {
    const { pages, program } = setUp(150);
    program.broken = true;
    await pages.refresh();
    expect(pages.phase).toBe('error');
    program.broken = false;
    await pages.refresh();
    program.broken = true;
    await pages.loadMore();
    expect([pages.phase, pages.tail, pages.length]).toEqual(['ready', 'failed', 100]);
  });
});
