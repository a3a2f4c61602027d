/**
 * Indents JSON without reading its values, so that a number such as
 * 12345678901234567890 or 1.10 stays exactly as it was sent, doubled members
 * included. Text that is not JSON comes back as it was.
 */
export function prettyJson(text: string, indent = '  '): string {
  try {
    JSON.parse(text);
  } catch {
    return text;
  }
  let out = '';
  let depth = 0;
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs) ?? [];
  const newLine = () => `\n${indent.repeat(depth)}`;
  tokens.forEach((token, index) => {
    const next = tokens[index + 1];
    const previous = tokens[index - 1];
    if (token === '{' || token === '[') {
      const empty = next === '}' || next === ']';
      depth += 1;
      out += token + (empty ? '' : newLine());
    } else if (token === '}' || token === ']') {
      depth -= 1;
      out += (previous === '{' || previous === '[' ? '' : newLine()) + token;
    } else if (token === ',') {
      out += token + newLine();
    } else if (token === ':') {
      out += ': ';
    } else {
      out += token;
    }
  });
  return out;
}
