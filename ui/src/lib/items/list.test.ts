import { describe, expect, it, vi } from 'vitest';
import type { Backend, Item, ItemFilter, ItemPage, Status } from '../backend/backend';
import { Problem } from '../backend/backend';
import { ItemList } from './list.svelte';

const time = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1000).toISOString();

/** A program that answers lists, newest first, and counts what it is asked. */
class Program {
  items: Item[] = [];
  now = 1000;
  asked: { limit: number; cursor: string | null; filter: ItemFilter }[] = [];
  broken = false;

  put(n: number, more: Partial<Item> = {}): void {
    const item = { id: `i${n}`, updatedAt: time(n), status: 'failed', ...more } as Item;
    this.items = [...this.items.filter((one) => one.id !== item.id), item].sort((a, b) =>
      b.updatedAt.localeCompare(a.updatedAt),
    );
  }

  fill(n: number): void {
    this.items = Array.from(
      { length: n },
      (_, i) => ({ id: `i${n - i}`, updatedAt: time(n - i), status: 'failed' }) as Item,
    );
  }

  take(n: number): void {
    this.items = this.items.filter((one) => one.id !== `i${n}`);
  }

  page(filter: ItemFilter, limit: number, cursor: string | null): ItemPage {
    if (this.broken) throw new Problem(500, 'SERVER_ERROR', '', 'no');
    this.asked.push({ filter, limit, cursor });
    const after = this.items.filter((item) => cursor === null || item.updatedAt < cursor);
    const items = after.slice(0, limit);
    return {
      items: structuredClone(items),
      nextCursor: after.length > limit ? (items.at(-1)?.updatedAt ?? null) : null,
      total: this.items.length,
    };
  }

  backend(): Backend {
    return {
      status: async () => ({ serverTime: time(this.now) }) as Status,
      items: async (filter: ItemFilter, limit: number, cursor: string | null) =>
        this.page(filter, limit, cursor),
    } as Partial<Backend> as Backend;
  }
}

/** A list of `n` rows, the first page of them loaded. */
async function opened(n: number) {
  const program = new Program();
  program.fill(n);
  const problems: unknown[] = [];
  const list = new ItemList(program.backend(), (error) => problems.push(error));
  await list.show({ status: 'failed' });
  return { program, list, problems };
}

/** The list at rest with these rows in sight. */
async function restAt(list: ItemList, first: number): Promise<void> {
  list.look(first, first + 20);
  list.rest();
  await vi.waitFor(() => expect(list.at(first)).toBeDefined());
}

async function everythingLoaded(list: ItemList): Promise<void> {
  while (list.more) await list.loadMore();
}

const ids = (list: ItemList) => list.ids();

describe('ItemList', () => {
  it('loads by pages and says exactly how many there are', async () => {
    const { list } = await opened(1300);
    expect([list.length, list.total, list.more, list.phase]).toEqual([100, 1300, true, 'ready']);
    await everythingLoaded(list);
    expect([list.length, list.total, list.more]).toEqual([1300, 1300, false]);
    expect(list.at(0)?.id).toBe('i1300');
    expect(list.at(1299)?.id).toBe('i1');
  });

  it('loads the next page when the end of what is loaded comes near, and only then', async () => {
    const { list, program } = await opened(2000);
    await list.loadMore();
    program.asked = [];
    list.look(0, 20);
    expect(program.asked).toEqual([]);
    list.look(330, 349);
    expect(program.asked).toHaveLength(1);
  });

  it('asks for what is in sight after a change, and not for what is loaded', async () => {
    const { list, program } = await opened(5000);
    await everythingLoaded(list);
    list.look(2000, 2030);
    program.asked = [];
    program.put(2990, { title: 'changed', updatedAt: time(2990) });
    await list.refresh();
    // The top of the list, and the one stretch in sight.
    expect(program.asked.map((one) => one.cursor)).toEqual([null, expect.any(String)]);
    expect(list.get('i2990')?.title).toBe('changed');
    expect(list.length).toBe(5000);
  });

  it('reads what was out of sight again once it rests in sight', async () => {
    const { list, program } = await opened(2000);
    await everythingLoaded(list);
    list.look(0, 20);
    program.put(50, { title: 'changed', updatedAt: time(50) });
    await list.refresh();
    expect(list.get('i50')?.title).toBeUndefined();
    list.look(1940, 1960);
    list.rest();
    await list.refresh();
    expect(list.get('i50')?.title).toBe('changed');
    program.asked = [];
    list.rest();
    expect(program.asked).toEqual([]);
  });

  it('takes in what came and drops what left', async () => {
    const { list, program } = await opened(5);
    program.put(6);
    program.take(3);
    await list.refresh();
    expect(ids(list)).toEqual(['i6', 'i5', 'i4', 'i2', 'i1']);
    expect(list.total).toBe(5);
  });

  it('puts the keyboard on the next row when its own leaves, and on the last when there is none', async () => {
    const { list, program } = await opened(5);
    list.moveTo(2);
    expect(list.activeId).toBe('i3');
    program.take(3);
    program.take(4);
    program.put(4, { updatedAt: time(9) });
    await list.refresh();
    expect(list.activeId).toBe('i2');
    program.take(1);
    program.take(2);
    await list.refresh();
    expect(list.activeId).toBe('i5');
    expect(list.move(9)).toBe('i5');
    expect(list.move(-9)).toBe('i4');
  });

  describe('while rows are selected', () => {
    it('changes rows in place, and counts what came and went', async () => {
      const { list, program } = await opened(5);
      list.select(list.selection.toggle('i4', list));
      program.put(6);
      program.put(7);
      program.take(2);
      program.put(3, { title: 'changed', updatedAt: time(3) });
      await list.refresh();
      expect(ids(list)).toEqual(['i5', 'i4', 'i3', 'i2', 'i1']);
      expect(list.get('i3')?.title).toBe('changed');
      expect(list.pending).toEqual({ added: 2, left: 1 });
      expect([...list.gone]).toEqual(['i2']);
      expect(list.total).toBe(5);
    });

    it('shows what waited when asked to, and keeps what is still there selected', async () => {
      const { list, program } = await opened(5);
      list.select(list.selection.toggle('i4', list).toggle('i2', list));
      program.put(6);
      program.take(2);
      await list.refresh();
      await list.applyNow();
      expect(ids(list)).toEqual(['i6', 'i5', 'i4', 'i3', 'i1']);
      expect([...list.selection.ids]).toEqual(['i4']);
      expect(list.pending).toEqual({ added: 0, left: 0 });
    });

    it('shows what waited once nothing is selected', async () => {
      const { list, program } = await opened(5);
      list.select(list.selection.toggle('i4', list));
      program.put(6);
      await list.refresh();
      list.select(list.selection.toggle('i4', list));
      await list.refresh();
      expect(ids(list)[0]).toBe('i6');
      expect(list.held).toBe(false);
    });

    it('takes a row back that left and returned', async () => {
      const { list, program } = await opened(3);
      list.select(list.selection.toggle('i3', list));
      program.take(2);
      await list.refresh();
      expect(list.pending.left).toBe(1);
      program.put(2);
      await list.refresh();
      expect(list.pending).toEqual({ added: 0, left: 0 });
      expect(list.gone.size).toBe(0);
    });
  });

  it('waits for a menu to close too', async () => {
    const { list, program } = await opened(2);
    list.hold('menu', true);
    program.put(3);
    await list.refresh();
    expect(list.length).toBe(2);
    list.hold('menu', false);
    await list.refresh();
    expect(list.length).toBe(3);
  });

  it('means by everything what it shows, and nothing that failed later', async () => {
    const { list, program } = await opened(300);
    list.selectEverything();
    expect(list.selection.size).toBe(300);
    program.now = 2000;
    program.put(301);
    await list.refresh();
    expect(list.selection.toSelection()).toEqual({
      filter: { status: 'failed', asOf: time(1000) },
    });
    expect(list.pending.added).toBe(1);
    await list.applyNow();
    expect(list.everything()).toEqual({ filter: { status: 'failed', asOf: time(2000) } });
  });

  it('means by everything the list as it stands now, where nothing came or went while updates waited', async () => {
    const { list, program } = await opened(3);
    list.hold('pointer', true);
    program.now = 2000;
    program.put(2, { title: 'changed', updatedAt: time(1500) });
    await list.refresh();
    expect(list.everything().filter.asOf).toBe(time(2000));
  });

  it('keeps what it shows when a reading fails, and says so when it has nothing', async () => {
    const { list, program, problems } = await opened(3);
    program.broken = true;
    await list.refresh();
    expect([list.phase, list.length, problems.length]).toEqual(['ready', 3, 1]);
    await list.show({ status: 'queued' });
    expect([list.phase, list.length]).toEqual(['error', 0]);
    program.broken = false;
    await list.refresh();
    expect([list.phase, list.length]).toEqual(['ready', 3]);
  });

  it('says that the next page failed and tries again when asked to', async () => {
    const { list, program } = await opened(300);
    program.broken = true;
    await list.loadMore();
    expect([list.tail, list.length]).toEqual(['failed', 100]);
    program.broken = false;
    await list.loadMore();
    expect([list.tail, list.length]).toEqual(['idle', 300]);
  });

  it('shows what somebody’s own action came to without waiting for a reading that began before it', async () => {
    const { list, program } = await opened(3);
    const before = list.refresh();
    program.take(2);
    await list.applyNow();
    expect(ids(list)).toEqual(['i3', 'i1']);
    await before;
    expect(ids(list)).toEqual(['i3', 'i1']);
  });

  it('forgets the answer to a filter that is shown no longer', async () => {
    const { list } = await opened(10);
    const first = list.show({ status: 'failed', q: 'a' });
    const second = list.show({ status: 'failed', q: 'b' });
    await Promise.all([first, second]);
    expect(list.filter.q).toBe('b');
    expect(list.length).toBe(10);
  });

  it('holds what is near the sight of a long list, and reads the rest again when it comes back', async () => {
    const { program, list } = await opened(8000);
    await everythingLoaded(list);
    expect(list.length).toBe(8000);
    list.moveTo(7990);
    list.look(7980, 7999);
    expect([list.idAt(3000), list.indexOf('i5000')]).toEqual(['i5000', 3000]);
    expect([list.at(3000), list.at(0)?.id, list.at(7980)?.id]).toEqual([undefined, 'i8000', 'i20']);
    program.asked = [];
    await restAt(list, 3000);
    expect(list.at(3010)?.id).toBe('i4990');
    expect(program.asked.length).toBeLessThanOrEqual(3);
    expect([list.activeId, list.length]).toEqual(['i10', 8000]);
  });

  it('selects rows that it does not hold', async () => {
    const { list } = await opened(8000);
    await everythingLoaded(list);
    list.look(7980, 7999);
    list.select(list.selection.toggle('i8000', list));
    list.select(list.selection.extendTo('i1', list));
    expect(list.selection.size).toBe(8000);
    expect(list.selection.coverage(list)).toBe('all');
  });

  it('loses the dropped rows that left meanwhile, once they would be seen', async () => {
    const { program, list } = await opened(8000);
    await everythingLoaded(list);
    list.look(7980, 7999);
    program.take(5000);
    await restAt(list, 2990);
    await vi.waitFor(() => expect(list.has('i5000')).toBe(false));
    expect(list.length).toBe(7999);
  });

  it('tries again when it rests where dropped rows could not be read', async () => {
    const { program, list, problems } = await opened(8000);
    await everythingLoaded(list);
    list.look(7980, 7999);
    program.broken = true;
    list.look(3000, 3020);
    await vi.waitFor(() => expect(problems.length).toBe(1));
    list.look(3001, 3021);
    expect(problems.length).toBe(1);
    program.broken = false;
    await restAt(list, 3001);
  });
});
