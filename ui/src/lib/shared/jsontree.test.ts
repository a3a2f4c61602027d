import { describe, expect, it } from 'vitest';
import { prettyJson } from './json';
import { allOpen, CHUNK, childrenOf, firstOpen, type JsonNode, rootOf, rowsOf } from './jsontree';

/** The value of a node, built from the tree alone; scalars as they were sent. */
function rebuilt(text: string, node: JsonNode): string {
  const inner = childrenOf(text, node).map(
    (child) => (child.key === null ? '' : `"${child.key}":`) + rebuilt(text, child),
  );
  if (node.kind === 'object') return `{${inner.join(',')}}`;
  if (node.kind === 'array') return `[${inner.join(',')}]`;
  return text.slice(node.start, node.end);
}

function root(text: string): JsonNode {
  const node = rootOf(text);
  if (node === null) throw new Error(`no JSON: ${text}`);
  return node;
}

describe('the JSON tree', () => {
  it.each([
    '{"a":1,"b":[true,false,null],"c":{"d":{}}}',
    '[]',
    '{}',
    ' { "a" : [ 1 , 2 ] , "b" : [ ] } ',
    '12345678901234567890',
    String.raw`{"a\"b":"c\\","d":"\\\"","e":"]}"}`,
    '{"a":1.10,"a":-0,"n":1E400}',
    '"text"',
    '[[[[1]]],{"x":[{}]}]',
  ])('holds what is in %s, to the letter', (text) => {
    const compact = prettyJson(text, '').replaceAll('\n', '').replaceAll('": ', '":').trim();
    expect(rebuilt(text, root(text))).toBe(compact);
  });

  it('counts members without unfolding them', () => {
    expect(root('[{"a":1,"b":[1,2,3]},[ ],"x,y"]').size).toBe(3);
    expect(
      childrenOf('[{"a":1,"b":[1,2,3]},[ ],"x,y"]', root('[{"a":1,"b":[1,2,3]},[ ],"x,y"]')).map(
        (one) => one.size,
      ),
    ).toEqual([2, 0, 0]);
  });

  it('is none where the text is no JSON', () => {
    expect(rootOf('<html>')).toBeNull();
    expect(rootOf('')).toBeNull();
  });

  it('has a line for each unfolded value, with its place among its siblings', () => {
    const text = '{"a":[1,2],"b":{"c":true}}';
    const rows = rowsOf(text, root(text), new Set(['', '1']), new Map());
    expect(rows.map((row) => [row.path, row.depth])).toEqual([
      ['', 0],
      ['0', 1],
      ['1', 1],
      ['1.0', 2],
    ]);
    expect(rows[2]).toMatchObject({ open: true, position: 2, siblings: 2 });
  });

  it('shows many children in pieces', () => {
    const text = JSON.stringify(Array.from({ length: 250 }, (_, index) => index));
    const closed = rowsOf(text, root(text), new Set(['']), new Map());
    expect(closed).toHaveLength(1 + CHUNK + 1);
    expect(closed.at(-1)).toMatchObject({ type: 'more', hidden: 150 });
    expect(rowsOf(text, root(text), new Set(['']), new Map([['', 300]]))).toHaveLength(251);
  });

  it('unfolds at first only as much as fits', () => {
    const small = '{"records":[{"externalId":"WI-1","comments":[]}]}';
    expect([...firstOpen(small, root(small))]).toEqual(['', '0', '0.0']);
    const many = JSON.stringify({ records: Array.from({ length: 200 }, () => ({ a: 1 })) });
    expect([...firstOpen(many, root(many))]).toEqual(['']);
    expect(allOpen(small, root(small)).size).toBe(3);
    expect(allOpen(many, root(many), 50).size).toBe(50);
  });
});
