import { count } from '../words';

/** What a setting is called, and what it is for. */
interface Words {
  name: string;
  text: string;
}

/** The settings. */
export const settings = {
  settings: {
    couldNotLoad: 'This could not be loaded',
    saved: 'Saved, in effect',
    pending: 'Saved. It takes effect when the program is started the next time.',
    pendingAll: (n: number) =>
      n === 1
        ? '1 change takes effect when the program is started the next time.'
        : `${count(n)} changes take effect when the program is started the next time.`,
    byFlag: 'Set on the command line: change it there.',
    byEnvironment: 'Set by an environment variable: change it there.',
    reset: (value: string) => `Back to the default: ${value === '' ? 'none' : value}`,
    resetOf: (name: string, value: string) =>
      `${name}: back to the default, ${value === '' ? 'none' : value}`,
    discard: 'Discard',
    listener: 'Listener',
    retention: 'Retention',
    language: 'Language',
    languageText: 'The page is loaded again in the language you choose.',
    languages: { en: 'English', 'en-XA': 'English with accents (for testing)' },
    autostart: 'Start when I sign in to this computer',
    autostartText: 'It starts in the background, without a window, and keeps the orgs in sync.',
    autostartUnknown: 'This system does not tell how programs are started with it.',
    /** What stands above a section. */
    intro: {
      notifications:
        'One notification for each cause, never one for each item; a click opens that cause. They are shown by the desktop program.',
      retry:
        'How often a failed delivery is tried again by itself before it needs you. Errors that a retry cannot mend, like a validation rule, need you at once.',
    } as Partial<Record<string, string>>,
    names: {
      'desktop.close_to_tray': {
        name: 'Keep running when the window is closed',
        text: 'The relay goes on in the tray. Off: closing the window quits the program, and changes wait until it is started again.',
      },
      'delivery.concurrency_per_org': {
        name: 'Requests to one org at a time',
        text: 'More is quicker, but locks more records in the org at once.',
      },
      'delivery.connect_timeout': {
        name: 'Connection time-out',
        text: 'How long connecting to an org may take.',
      },
      'delivery.request_timeout': {
        name: 'Request time-out',
        text: 'How long one delivery may take as a whole.',
      },
      'delivery.probe_interval': {
        name: 'Probe interval',
        text: 'How often an org that does not answer is asked whether it is back.',
      },
      'salesforce.cli': {
        name: 'Salesforce CLI',
        text: 'The program “sf”, by name or path, for orgs that are signed in to by it.',
      },
      'desktop.notify_failures': {
        name: 'Failed items',
        text: 'When items have failed and need you.',
      },
      'desktop.notify_sign_in': {
        name: 'Orgs that need a sign-in',
        text: 'When deliveries to an org wait for somebody to sign in.',
      },
      secrets: {
        name: 'Where sign-ins are kept',
        text: 'After a change sign in to the orgs again: sign-ins are not moved.',
      },
      'oauth.client_id': {
        name: 'Client ID for sign-ins',
        text: 'Of the External Client App to sign in with where no other is named. The default is the app of the Salesforce CLI.',
      },
      'oauth.redirect_port': {
        name: 'Port for sign-ins',
        text: 'Where the browser comes back to after a sign-in. The app must allow http://localhost:PORT/OauthRedirect.',
      },
      'listener.address': {
        name: 'Listener address',
        text: 'Where changes are taken in. An address other than 127.0.0.1 can be reached by other machines: put a proxy with TLS in front of it.',
      },
      'listener.rate_limit_per_minute': {
        name: 'Payloads per minute and token',
        text: 'What is over that is answered 429, and the sender tries again.',
      },
      'listener.allowed_hosts': {
        name: 'Host names',
        text: 'By which this machine may be asked besides its loopback names, separated by commas.',
      },
      'retention.synced_days': {
        name: 'Keep synced items for',
        text: 'In days. Failed items are kept until somebody decides about them.',
      },
      'retention.transaction_days': {
        name: 'Remember transactions for',
        text: 'In days. By them repeats and echoes are known; shorter than a month risks doing things twice.',
      },
    } as Partial<Record<string, Words>>,
    choices: { keychain: 'Keychain of this computer', file: 'Encrypted file' } as Partial<
      Record<string, string>
    >,
    retry: {
      attempt: (n: number) => `Attempt ${n}`,
      afterChange: 'after the change came',
      after: 'after the one before',
      at: (time: string) => (time === '0 s' ? 'at once' : `at the earliest after ${time}`),
      remove: (n: number) => `Remove attempt ${n}`,
      add: 'Add an attempt',
      standard: 'Use the standard schedule',
      then: 'Then the item is failed and needs you.',
      thenAt: (time: string) =>
        time === '0 s'
          ? 'Then the item is failed and needs you.'
          : `Then, ${time} after the change came, the item is failed and needs you.`,
      problems: {
        unreadable: 'write it like 30s, 10m or 1h',
        tooLong: 'at most 30 days (30d)',
      },
      note: 'Times are the earliest: an org that asks to wait longer is given the time, up to a day. Items that wait go by a new schedule from the next start on.',
    },
    tokens: {
      title: 'Integration tokens',
      text: 'With a token another program, or an org, may hand changes in. It can do nothing else.',
      none: 'No token yet: no other program can hand changes in.',
      create: 'New token',
      createNow: 'Create',
      name: 'Name',
      namePlaceholder: 'Who will use it?',
      nameRequired: 'Please give it a name, so that you know later whose it is.',
      orgs: 'Speaks for',
      orgsText: 'Changes that say they come from another org are refused.',
      orgRequired: 'Please choose at least one org that it may speak for.',
      others: 'Other org IDs (not connected here)',
      expires: 'Expires',
      noExpiry: 'never',
      lifetimes: {
        month: 'in 30 days',
        quarter: 'in 90 days',
        year: 'in a year',
        always: 'never',
      },
      lastUsed: 'Last used',
      never: 'never',
      created: 'created',
      states: { expired: 'expired', revoked: 'revoked' },
      revoke: 'Revoke…',
      revokeOf: (name: string) => `Revoke the token ${name}`,
      revokeTitle: (name: string) => `Revoke the token ${name}?`,
      revokeText:
        'Whoever uses it is turned away from now on, and their changes do not come in. This cannot be undone; make a new token for them instead.',
      revokeNow: 'Revoke',
      revokedSaid: (name: string) => `The token ${name} is revoked`,
      made: (name: string) => `The token ${name}`,
      secret: 'The token',
      once: 'It is shown this one time only.',
      copy: 'Copy',
      copied: 'Copied',
      copyFailed: 'The browser did not allow to copy: it is selected, copy it yourself.',
      use: 'Keep it where the other program keeps its secrets, never in a script or a mail.',
      done: 'I have kept it',
      example: 'How a change is handed in',
    },
    store: {
      title: 'Store',
      path: 'File',
      size: 'Size',
      wal: (size: string) => `and ${size} not folded in yet`,
      items: 'Items',
      transactions: 'Transactions remembered',
      oldest: 'Oldest item',
      check: 'Check',
      checkText: 'Looks through the whole file for damage. The relay goes on meanwhile.',
      checkNow: 'Check now',
      checking: 'Checking…',
      sound: 'The store is sound.',
      unsound: (n: number) =>
        n === 1 ? 'The store has 1 problem:' : `The store has ${count(n)} problems:`,
      backup: 'Backup',
      backupText:
        'Writes a copy into the folder “backups” beside the store. It holds payloads, but no sign-ins.',
      backupNow: 'Back up now',
      backingUp: 'Writing…',
      backedUp: (size: string) => `The backup is written (${size}):`,
    },
    appearance: {
      theme: 'System follows your desktop.',
      density: 'How close the rows of lists stand.',
      times: 'How moments are written, everywhere. The key t turns to the next.',
      zoom: 'The size of everything in the window.',
      narrow: 'Narrow sidebar',
      narrowText: 'Only its icons are shown.',
    },
    diagnostics: {
      title: 'Diagnostics for support',
      text: 'What helps to find out what is wrong. User names, addresses, record contents and secrets are left out; read it before you pass it on. Exactly what is shown is saved.',
      again: 'Read again',
      save: 'Save',
    },
    about: {
      text: 'Keeps work items of several Salesforce orgs in sync.',
      version: 'Version',
      demo: 'demo',
      running: 'Running for',
      address: 'Listener',
      file: 'Settings file',
      window: 'This window',
      browser: 'in a browser',
      desktop: 'the desktop program',
      licence: 'Licence',
      licences: 'MIT or Apache-2.0, as you like',
    },
  },
  privacy: {
    label: 'What leaves this computer',
    leaves: {
      title: 'To Salesforce, and nowhere else',
      text: (orgs: number) =>
        orgs === 0
          ? 'Changes go straight from this computer to the orgs that you connect, over HTTPS.'
          : 'Changes go straight from this computer to the orgs that you connected, over HTTPS.',
    },
    stays: {
      title: 'Everything else stays here',
      text: () =>
        'Payloads, attempts and the log are in one file of this computer. Synced items are deleted after the time you set.',
    },
    secrets: {
      title: 'Sign-ins are kept apart',
      text: () =>
        'In the keychain of this computer, or in an encrypted file if you say so; never in the store, the log, an export or a backup. You sign in in your own browser.',
    },
    nobody: {
      title: 'Nobody listens in',
      text: () =>
        'No telemetry, no account, no server of ours. The program listens on this computer only, unless you say otherwise.',
    },
  },
} as const;
