/** The part of the mock that is no item and no org: settings, store, tokens, statistics, diagnostics. */
import { randomUUID } from 'node:crypto';
import { ORGS } from './mock-data.mjs';

const MINUTE = 60_000;
const WINDOWS = { '1h': [60, 1], '24h': [1440, 30], '7d': [10_080, 360], '30d': [43_200, 360] };

const setting = (name, value, description, mustBe, more = {}) => ({
  name,
  value,
  default: value,
  source: 'default',
  description,
  mustBe,
  effect: 'nextStart',
  pending: false,
  ...more,
});

const WAIT = 'a duration of more than nothing and at most a day, like "30s" (ms, s, m, h or d)';
const DAYS = 'a whole number of days from 1 to 3650';
const FLAG = 'true or false';
const AT_ONCE = { effect: 'atOnce' };

function settings() {
  return [
    setting(
      'secrets',
      'keychain',
      "Where the tokens of the orgs are kept: in the operating system's keychain, or in an encrypted file in the data folder. Tokens are not moved: sign in to the orgs again after a change.",
      '"keychain" or "file"',
    ),
    setting(
      'retry.schedule',
      ['0s', '30s', '2m', '10m', '1h'],
      'The wait before each attempt of an item, the first included; each counts from the end of the attempt before. An item has as many attempts as there are waits, and then needs a person.',
      'a list of 1 to 20 waits of at most 30 days, like ["0s", "30s", "2m"] (ms, s, m, h or d)',
    ),
    setting(
      'delivery.concurrency_per_org',
      4,
      'How many requests to one org may be in flight at a time.',
      'a whole number from 1 to 64',
    ),
    setting('delivery.connect_timeout', '10s', 'How long connecting to an org may take.', WAIT),
    setting(
      'delivery.request_timeout',
      '2m',
      'How long a request to an org may take as a whole.',
      WAIT,
    ),
    setting(
      'delivery.probe_interval',
      '30s',
      'How long after a failed probe an org that does not answer is probed again.',
      WAIT,
    ),
    setting(
      'listener.address',
      '127.0.0.1:7437',
      'Where changes are taken and the API answers. An address other than one of loopback can be reached by other machines: put a proxy with TLS in front of it.',
      'an address with a port, like "127.0.0.1:7437"; port 0 picks one',
      { source: 'flag' },
    ),
    setting(
      'listener.rate_limit_per_minute',
      6000,
      'How many payloads a minute each integration token may send; what is over that is answered 429.',
      'a whole number from 1 to 1000000',
    ),
    setting(
      'listener.allowed_hosts',
      [],
      'The names by which this machine may be asked, besides those of loopback and the address it listens at.',
      'a list of names of hosts, without scheme and port, like ["relay.example.com"]',
    ),
    setting(
      'oauth.redirect_port',
      1717,
      'The port of this machine to which the browser comes back after a sign-in. The app that is signed in with must allow http://localhost:PORT/OauthRedirect.',
      'a whole number from 1 to 65535',
    ),
    setting(
      'oauth.client_id',
      'PlatformCLI',
      'The client ID of the External Client App to sign in with where no other is named. The default is the app of the Salesforce CLI.',
      'a text that is not empty',
    ),
    setting(
      'salesforce.cli',
      'sf',
      "The Salesforce CLI's program, by name or path.",
      'a text that is not empty',
      { source: 'environment', value: '/opt/sf/bin/sf' },
    ),
    setting(
      'retention.synced_days',
      30,
      'How many days synced and superseded items are kept. Failed items are kept until somebody decides.',
      DAYS,
      { value: 14, source: 'file' },
    ),
    setting(
      'retention.transaction_days',
      30,
      'How many days a transactionId is remembered, by which repeats and echoes are known.',
      DAYS,
    ),
    setting(
      'desktop.notify_failures',
      true,
      'Whether the desktop tells of items that failed.',
      FLAG,
      AT_ONCE,
    ),
    setting(
      'desktop.notify_sign_in',
      true,
      'Whether the desktop tells of an org that needs a sign-in.',
      FLAG,
      AT_ONCE,
    ),
    setting(
      'desktop.close_to_tray',
      true,
      'Whether the program goes on in the tray when its window is closed.',
      FLAG,
      AT_ONCE,
    ),
  ];
}

/** Settings, store and tokens, as the program has them. */
export class Program {
  constructor(now, used) {
    this.settings = settings();
    this.checked = { ok: true, problems: [] };
    this.now = now;
    this.used = used;
    const token = (name, more) => ({
      id: randomUUID(),
      name,
      sourceOrgIds: [ORGS.client],
      createdAt: new Date(now - 40 * 1440 * MINUTE).toISOString(),
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
      ...more,
    });
    this.tokens = used
      ? [
          token('acme-client', { lastUsedAt: new Date(now - 4 * MINUTE).toISOString() }),
          token('nightly import', {
            sourceOrgIds: [ORGS.client, ORGS.agency],
            expiresAt: new Date(now + 20 * 1440 * MINUTE).toISOString(),
          }),
          token('old laptop', { revokedAt: new Date(now - 1440 * MINUTE).toISOString() }),
        ]
      : [];
  }

  setting(name) {
    return this.settings.find((one) => one.name === name);
  }

  schedule() {
    return this.setting('retry.schedule').value;
  }

  /** The settings as they are told. */
  told() {
    return { file: '/home/ada/.config/sync-monitor/config.toml', settings: this.settings };
  }

  /** Changes settings, all or none; what has a status is a refusal. */
  change(changes) {
    for (const [name, value] of Object.entries(changes)) {
      const known = this.setting(name);
      if (known === undefined) return { status: 400, detail: `There is no setting ${name}.` };
      if (known.source === 'flag' || known.source === 'environment') {
        return { status: 409, detail: `${name} is set by a ${known.source}. Change it there.` };
      }
      const number = typeof known.default === 'number';
      if (value !== null && (number ? !(value >= 1) : value === '')) {
        const detail = `${name} cannot be used: it must be ${known.mustBe}.`;
        return { status: 400, detail };
      }
    }
    for (const [name, value] of Object.entries(changes)) {
      const known = this.setting(name);
      known.inForce ??= known.value;
      known.value = value ?? known.default;
      known.source = value === null ? 'default' : 'file';
      const same = JSON.stringify(known.value) === JSON.stringify(known.inForce);
      known.pending = known.effect === 'nextStart' && !same;
    }
    return this.told();
  }

  createToken({ name, sourceOrgIds, expiresAt }) {
    const id = randomUUID();
    this.tokens.unshift({
      id,
      name,
      sourceOrgIds,
      createdAt: new Date().toISOString(),
      expiresAt: expiresAt ?? null,
      lastUsedAt: null,
      revokedAt: null,
    });
    return { id, token: `smt_${id.replaceAll('-', '')}` };
  }

  revokeToken(id) {
    this.tokens.find((one) => one.id === id).revokedAt = new Date().toISOString();
    return null;
  }

  store(items) {
    return {
      path: '/home/ada/.local/share/sync-monitor/sync-monitor.db',
      bytes: 48_234_496,
      walBytes: 1_245_184,
      schemaVersion: 7,
      items,
      transactions: items * 3,
      oldestItemAt: this.used ? new Date(this.now - 29 * 1440 * MINUTE).toISOString() : null,
    };
  }

  backup() {
    return {
      path: '/home/ada/.local/share/sync-monitor/backups/sync-monitor-20260301-101500.db',
      bytes: 48_234_496,
    };
  }

  /** A day like others, with the night at which the computer slept; a third of it went to each org. */
  stats(window, orgId = null) {
    const [minutes, step] = WINDOWS[window] ?? WINDOWS['24h'];
    const width = step * MINUTE;
    const end = Math.ceil(this.now / width) * width;
    const n = minutes / step;
    const asleep = (index) => this.used && n > 20 && index % 48 >= 14 && index % 48 < 27;
    const buckets = Array.from({ length: n }, (_, index) => {
      const busy = !this.used || asleep(index) ? 0 : 1 + ((index * 7) % 11);
      const bad = busy > 0 && index % 6 === 4 ? 1 + (index % 3) : 0;
      const synced = orgId === null ? busy * 3 : busy;
      return {
        at: new Date(end - (n - index) * width).toISOString(),
        accepted: synced + bad,
        synced,
        failed: bad,
        retried: bad * 2,
        superseded: busy > 9 ? 1 : 0,
        echoes: busy * 2,
        p50Ms: synced > 0 ? 380 + ((index * 37) % 240) : null,
        p95Ms: synced > 0 ? 1200 + ((index * 113) % 2600) : null,
        runningSeconds: asleep(index) ? 0 : step * 60,
      };
    });
    const sum = (name) => buckets.reduce((all, bucket) => all + bucket[name], 0);
    const total = Object.fromEntries(
      ['accepted', 'synced', 'failed', 'retried', 'superseded', 'echoes', 'runningSeconds'].map(
        (name) => [name, sum(name)],
      ),
    );
    const gaps = [];
    buckets.forEach((bucket, index) => {
      if (!asleep(index)) return;
      const to = new Date(Date.parse(bucket.at) + width).toISOString();
      if (gaps.at(-1)?.to === bucket.at) gaps.at(-1).to = to;
      else gaps.push({ from: bucket.at, to });
    });
    return {
      window,
      bucket: `${step}m`,
      buckets,
      total: {
        at: buckets[0].at,
        ...total,
        p50Ms: this.used ? 462 : null,
        p95Ms: this.used ? 2310 : null,
      },
      gaps,
    };
  }

  diagnostics(status) {
    return {
      version: status.version,
      os: 'Linux 6.1 (x86_64)',
      settings: Object.fromEntries(this.settings.map(({ name, value }) => [name, value])),
      status: { counts: status.counts, held: status.held, orgs: status.orgs },
      orgs: Array.from({ length: status.orgs }, (_, n) => ({
        org: `org-${n + 1}`,
        kind: 'sandbox',
      })),
      store: { schemaVersion: 7, bytes: 48_234_496 },
      log: ['2026-03-01T10:15:00.000Z INFO listening'],
    };
  }
}
