import type { Setting, SettingValue } from '../backend/backend';

/** How a setting is edited: switched, chosen, or written. */
export type FieldKind = 'switch' | 'choice' | 'number' | 'list' | 'text';

/** The settings that are one of a few words. */
export const CHOICES: Readonly<Record<string, readonly string[]>> = {
  secrets: ['keychain', 'file'],
};

/** How a setting is edited. */
export function fieldKind(setting: Pick<Setting, 'name' | 'default'>): FieldKind {
  if (setting.name in CHOICES) return 'choice';
  if (Array.isArray(setting.default)) return 'list';
  switch (typeof setting.default) {
    case 'boolean':
      return 'switch';
    case 'number':
      return 'number';
    default:
      return 'text';
  }
}

/** A value as it stands in a field; a list with commas. */
export function toText(value: SettingValue): string {
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** What was written into a field. A number that is none goes as text, so that the program says what it must be. */
export function fromText(kind: FieldKind, text: string): SettingValue {
  const trimmed = text.trim();
  if (kind === 'list') {
    return trimmed
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }
  if (kind === 'number' && /^-?\d+$/.test(trimmed)) return Number(trimmed);
  return trimmed;
}

/** Whether two values are the same. */
export function sameValue(a: SettingValue, b: SettingValue): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Whether a setting can be changed here: what a flag or the environment says beats the file. */
export function isFixed(setting: Pick<Setting, 'source'>): boolean {
  return setting.source === 'flag' || setting.source === 'environment';
}
