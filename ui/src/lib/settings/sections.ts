import type { Setting } from '../backend/backend';
import { TABS, type Tab } from '../router.svelte';

/** The sections of the settings. */
export type Section = (typeof TABS)['settings'][number];

/** The section of a tab. */
export function sectionOf(tab: Tab | null): Section {
  return TABS.settings.find((section) => section === tab) ?? 'general';
}

/** Which of the program's settings each section shows, in order. */
export const SHOWN: Readonly<Partial<Record<Section, readonly string[]>>> = {
  general: [
    'desktop.close_to_tray',
    'delivery.concurrency_per_org',
    'delivery.connect_timeout',
    'delivery.request_timeout',
    'delivery.probe_interval',
    'salesforce.cli',
  ],
  notifications: ['desktop.notify_failures', 'desktop.notify_sign_in'],
  retry: ['retry.schedule'],
  privacy: ['secrets', 'oauth.client_id', 'oauth.redirect_port'],
  api: ['listener.address', 'listener.rate_limit_per_minute', 'listener.allowed_hosts'],
  data: ['retention.synced_days', 'retention.transaction_days'],
};

const PLACED = new Set(Object.values(SHOWN).flat());

/** The settings of a section; what has no section, since this page does not know it yet, is under General. */
export function settingsOf(section: Section, all: readonly Setting[]): Setting[] {
  const byName = new Map(all.map((setting) => [setting.name, setting]));
  const own = (SHOWN[section] ?? [])
    .map((name) => byName.get(name))
    .filter((setting) => setting !== undefined);
  if (section !== 'general') return own;
  return [...own, ...all.filter((setting) => !PLACED.has(setting.name))];
}
