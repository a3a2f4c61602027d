/** What a JSON value is. */
export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'literal';

/** A value in a JSON text: where it stands, never what it would be worth as a float. */
export interface JsonNode {
  /** The member's name as it was sent, without the quotes; null for an element and the root. */
  key: string | null;
  kind: JsonKind;
  start: number;
  end: number;
  /** How many members or elements an object or array has; 0 for all else. */
  size: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

const isSpace = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
const opens = (code: number) => code === 0x7b || code === 0x5b;
const closes = (code: number) => code === 0x7d || code === 0x5d;

function skipSpace(text: string, at: number): number {
  let index = at;
  while (isSpace(text.charCodeAt(index))) index += 1;
  return index;
}

/** Behind the string that begins at `at`. */
function skipString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end >= 0) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function valueAt(text: string, start: number, key: string | null): JsonNode {
  const first = text.charCodeAt(start);
  if (first === QUOTE) {
    return { key, kind: 'string', start, end: skipString(text, start), size: 0 };
  }
  if (!opens(first)) {
    let end = start;
    while (end < text.length) {
      const code = text.charCodeAt(end);
      if (code === COMMA || closes(code) || isSpace(code)) break;
      end += 1;
    }
    const kind = /[-\d]/.test(text.charAt(start)) ? 'number' : 'literal';
    return { key, kind, start, end, size: 0 };
  }
  let depth = 0;
  let commas = 0;
  let index = start;
  while (index < text.length) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) {
      index = skipString(text, index);
      continue;
    }
    if (opens(code)) depth += 1;
    else if (code === COMMA && depth === 1) commas += 1;
    else if (closes(code)) {
      depth -= 1;
      if (depth === 0) break;
    }
    index += 1;
  }
  const empty = skipSpace(text, start + 1) === index;
  const kind = text.charAt(start) === '{' ? 'object' : 'array';
  return { key, kind, start, end: index + 1, size: empty ? 0 : commas + 1 };
}

/** The root of a JSON text; null where the text is no JSON. */
export function rootOf(text: string): JsonNode | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  return valueAt(text, skipSpace(text, 0), null);
}

/** The members or elements of a node, read only now: a payload may hold thousands of records. */
export function childrenOf(text: string, node: JsonNode): JsonNode[] {
  const children: JsonNode[] = [];
  if (node.size === 0) return children;
  let index = skipSpace(text, node.start + 1);
  while (children.length < node.size) {
    let key: string | null = null;
    if (node.kind === 'object') {
      const end = skipString(text, index);
      key = text.slice(index + 1, end - 1);
      index = skipSpace(text, end);
      if (text.charCodeAt(index) === COLON) index = skipSpace(text, index + 1);
    }
    const child = valueAt(text, index, key);
    children.push(child);
    index = skipSpace(text, child.end);
    if (text.charCodeAt(index) === COMMA) index = skipSpace(text, index + 1);
  }
  return children;
}

/** One line of the tree as it is unfolded now. */
export type TreeRow =
  | {
      type: 'node';
      /** The way to it by positions, like `0.3.1`; the root's is empty. */
      path: string;
      depth: number;
      node: JsonNode;
      open: boolean;
      /** Its place among its siblings, from 1, and how many those are. */
      position: number;
      siblings: number;
    }
  | {
      type: 'more';
      path: string;
      depth: number;
      /** How many siblings are not shown yet. */
      hidden: number;
    };

/** A string longer than this is shown shortened until it is unfolded. */
export const LONG_STRING = 160;

/** How many children of one node are shown at a time. */
export const CHUNK = 100;

/** Whether there is anything to unfold. */
export function unfolds(node: JsonNode): boolean {
  return node.size > 0 || (node.kind === 'string' && node.end - node.start > LONG_STRING);
}

/** The lines of the tree: `open` holds the unfolded paths, `shown` how many children beyond one chunk. */
export function rowsOf(
  text: string,
  root: JsonNode,
  open: ReadonlySet<string>,
  shown: ReadonlyMap<string, number>,
): TreeRow[] {
  const rows: TreeRow[] = [];
  const add = (node: JsonNode, path: string, depth: number, position: number, siblings: number) => {
    const isOpen = unfolds(node) && open.has(path);
    rows.push({ type: 'node', path, depth, node, open: isOpen, position, siblings });
    if (!isOpen || node.size === 0) return;
    const children = childrenOf(text, node);
    const limit = shown.get(path) ?? CHUNK;
    children.slice(0, limit).forEach((child, index) => {
      const childPath = path === '' ? String(index) : `${path}.${index}`;
      add(child, childPath, depth + 1, index + 1, children.length);
    });
    if (children.length > limit) {
      rows.push({ type: 'more', path, depth: depth + 1, hidden: children.length - limit });
    }
  };
  add(root, '', 0, 1, 1);
  return rows;
}

/** What is unfolded at first: level by level, as long as it stays within so many lines. */
export function firstOpen(text: string, root: JsonNode, lines = 60): Set<string> {
  const open = new Set<string>();
  let level: { node: JsonNode; path: string }[] = [{ node: root, path: '' }];
  let used = 1;
  while (level.length > 0) {
    const next: { node: JsonNode; path: string }[] = [];
    for (const { node, path } of level) {
      if (node.size === 0) continue;
      const cost = Math.min(node.size, CHUNK);
      if (used + cost > lines && path !== '') return open;
      open.add(path);
      used += cost;
      childrenOf(text, node).forEach((child, index) => {
        if (index < CHUNK)
          next.push({ node: child, path: path === '' ? String(index) : `${path}.${index}` });
      });
    }
    level = next;
  }
  return open;
}

/** Every path that can be unfolded, up to a number of them: more would only freeze the page. */
export function allOpen(text: string, root: JsonNode, most = 5000): Set<string> {
  const open = new Set<string>();
  let level: { node: JsonNode; path: string }[] = [{ node: root, path: '' }];
  while (level.length > 0) {
    const next: { node: JsonNode; path: string }[] = [];
    for (const { node, path } of level) {
      if (open.size >= most) return open;
      if (unfolds(node)) open.add(path);
      childrenOf(text, node).forEach((child, index) => {
        if (index < CHUNK)
          next.push({ node: child, path: path === '' ? String(index) : `${path}.${index}` });
      });
    }
    level = next;
  }
  return open;
}
