/** What may be the ID of a record: 15 characters, or 18 of which the last three tell whether the others are right. */
const SHAPE = /^[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$/;
/** In the parts of an address, where names of objects stand too: an ID has a digit in it. */
const DIGIT = /[0-9]/;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/** What stands in a field for a record. */
export type RecordIn = { id: string } | { fault: 'none' | 'mistyped' };

/** The last three characters of an ID: which of the others are capital letters, five at a time. */
function checksum(id: string): string {
  return [0, 5, 10]
    .map((start) => {
      const bits = [...id.slice(start, start + 5)].map((letter, at) =>
        letter >= 'A' && letter <= 'Z' ? 1 << at : 0,
      );
      return ALPHABET[bits.reduce((sum, bit) => sum + bit, 0)] ?? '';
    })
    .join('');
}

function judged(id: string): RecordIn {
  return id.length === 15 || checksum(id) === id.slice(15) ? { id } : { fault: 'mistyped' };
}

/** The parts of an address in which a record may be named, the most telling last. */
function parts(text: string): string[] {
  try {
    const { pathname, search, hash } = new URL(text);
    const named = [...new URLSearchParams(search).values()];
    return [...named, ...`${pathname}/${hash}`.split(/[/#?&=]/)];
  } catch {
    return text.split(/[/#?&=\s]/);
  }
}

/** Takes the ID of a record out of what was typed or pasted: the ID itself, or the address of the record's page. */
export function recordIn(text: string): RecordIn {
  const typed = text.trim();
  if (SHAPE.test(typed)) return judged(typed);
  const found = parts(typed).filter((part) => SHAPE.test(part) && DIGIT.test(part));
  const id = found.at(-1);
  return id === undefined ? { fault: 'none' } : judged(id);
}
