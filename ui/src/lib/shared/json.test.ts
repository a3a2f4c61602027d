import { describe, expect, it } from 'vitest';
import { prettyJson } from './json';

describe('prettyJson', () => {
  it('indents', () => {
    expect(prettyJson('{"a":[1,2],"b":{},"c":[ ]}')).toBe(
      '{\n  "a": [\n    1,\n    2\n  ],\n  "b": {},\n  "c": []\n}',
    );
  });

  it.each(['12345678901234567890', '1.10', '1E400', '-0', '0.1000000000000000055511151231257827'])(
    'keeps the number %s as it was sent',
    (number) => {
      expect(prettyJson(`{"n":${number}}`)).toBe(`{\n  "n": ${number}\n}`);
    },
  );

  it('keeps doubled members', () => {
    expect(prettyJson('{"a":1,"a":2}')).toBe('{\n  "a": 1,\n  "a": 2\n}');
  });

  it('leaves strings alone, whatever is in them', () => {
    const text = String.raw`"{\"a\": [1,2]}, \\ : \u00e9"`;
    expect(prettyJson(`[${text}]`)).toBe(`[\n  ${text}\n]`);
  });

  it('gives back what is not JSON', () => {
    expect(prettyJson('<html>Down for maintenance</html>')).toBe(
      '<html>Down for maintenance</html>',
    );
    expect(prettyJson('')).toBe('');
  });

  it('means the same as before', () => {
    const value = { a: [true, false, null, 'x y', { b: [[]] }], 'ü "q"': '\n' };
    expect(JSON.parse(prettyJson(JSON.stringify(value)))).toEqual(value);
  });
});
