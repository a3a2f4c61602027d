/** Where in the palette something stands. */
export const SECTIONS = ['screens', 'actions', 'orgs', 'items'] as const;

/** One of {@link SECTIONS}. */
export type Section = (typeof SECTIONS)[number];

/** Something that the palette can do. */
export interface Command {
  id: string;
  section: Section;
  label: string;
  /** Said more quietly behind the label; searched too. */
  detail?: string;
  /** Keys that do the same. */
  keys?: string;
  run: () => void;
}

/** How well a text answers a word: 3 begins with it, 2 has a word that does, 1 holds it, 0 not at all. */
function quality(text: string, word: string): number {
  const at = text.indexOf(word);
  if (at < 0) return 0;
  if (at === 0) return 3;
  return text.split(/[\s:/_.@-]+/).some((part) => part.startsWith(word)) ? 2 : 1;
}

/** The commands that hold every word of a query, the closest first within each section. */
export function matching(commands: readonly Command[], query: string): Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...commands];
  return commands
    .map((command, index) => {
      const label = command.label.toLowerCase();
      const detail = (command.detail ?? '').toLowerCase();
      const marks = words.map((word) => 2 * quality(label, word) || quality(detail, word));
      const mark = marks.includes(0) ? 0 : marks.reduce((sum, one) => sum + one, 0);
      return { command, index, mark };
    })
    .filter(({ mark }) => mark > 0)
    .sort(
      (a, b) =>
        SECTIONS.indexOf(a.command.section) - SECTIONS.indexOf(b.command.section) ||
        b.mark - a.mark ||
        a.index - b.index,
    )
    .map(({ command }) => command);
}

/** The commands under their headings; a section with nothing in it has none. */
export function inSections(commands: readonly Command[]): { name: Section; list: Command[] }[] {
  return SECTIONS.map((name) => ({
    name,
    list: commands.filter((command) => command.section === name),
  })).filter(({ list }) => list.length > 0);
}
