import { describe, expect, it } from 'vitest';
import { inSections, matching, type Command } from './match';

const command = (label: string, section: Command['section'] = 'actions', detail?: string) =>
  ({ id: label, section, label, detail, run: () => undefined }) satisfies Command;
const labels = (found: Command[]) => found.map(({ label }) => label);

describe('the palette', () => {
  const all = [
    command('Overview', 'screens'),
    command('Settings: Retry', 'screens'),
    command('Pause for 15 minutes'),
    command('Theme: Dark'),
    command('Show only acme-client', 'orgs', 'ada@acme.example'),
  ];

  it('shows everything while nothing is asked for', () => {
    expect(matching(all, '  ').length).toBe(all.length);
  });

  it('wants every word, in any order', () => {
    expect(labels(matching(all, 'retry set'))).toEqual(['Settings: Retry']);
    expect(labels(matching(all, 'retry dark'))).toEqual([]);
  });

  it('puts what begins with the word before what only holds it', () => {
    const some = [command('Unpause'), command('The pause'), command('Pause all')];
    expect(labels(matching(some, 'pause'))).toEqual(['Pause all', 'The pause', 'Unpause']);
  });

  it('finds by detail, but rather by label', () => {
    expect(labels(matching(all, 'ada@'))).toEqual(['Show only acme-client']);
    const some = [command('b', 'actions', 'dark'), command('Dark')];
    expect(labels(matching(some, 'dark'))).toEqual(['Dark', 'b']);
  });

  it('keeps the sections in order and leaves empty ones out', () => {
    expect(inSections(matching(all, 'e')).map(({ name }) => name)).toEqual([
      'screens',
      'actions',
      'orgs',
    ]);
  });
});
