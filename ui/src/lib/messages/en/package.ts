import { count } from '../words';

const changes = (n: number) => (n === 1 ? '1 change' : `${count(n)} changes`);

/** Orgs that have Delivery Hub's package. */
export const packages = {
  package: {
    speaks: 'Speaks',
    dialects: {
      deliverySync: 'the documented endpoint',
      packageV1: "the package's own protocol",
    },
    version: 'Package',
    versionOf: (version: string | null, namespace: string) =>
      [version ?? 'version not known', namespace === '' ? 'no namespace' : namespace].join(', '),
    schema: 'Fields',
    newest: 'named as in the newest package',
    old: (n: number) => (n === 1 ? '1 with an older name' : `${count(n)} with older names`),
    checked: 'Looked at',
    read: 'Changes read',
    notYet: 'not yet',
    next: 'Next',
    off: 'not read: switched off',
    readNow: 'Read now',
    reading: 'Reading…',
    readNowOf: (name: string) => `Read the changes of ${name} now`,
    brought: (name: string, n: number, conflicts: number, deleted: number) =>
      [
        n === 0 ? `${name}: nothing has changed.` : `${name}: ${changes(n)}.`,
        conflicts > 0 ? `${changes(conflicts)} older than what is known.` : '',
        deleted > 0 ? `${count(deleted)} deleted for good, which is not repeated elsewhere.` : '',
      ]
        .filter((part) => part !== '')
        .join(' '),
    switchOn: 'Read by itself',
    switchOff: 'Read no more',
    mapping: 'Fields…',
    mappingOf: (name: string) => `Which fields of ${name} are relayed`,
    mappingText:
      'People and money are relayed only where you switch them on. Keys, secrets and documents never are.',
    object: { workItem: 'Work item', comment: 'Comment', workLog: 'Work log' },
    member: 'Member',
    field: 'Field',
    relayed: 'Relayed',
    relay: (member: string) => `Relay ${member}`,
    default: 'As by default',
    warnings: 'Not as it should be',
    own: {
      text: 'What Delivery Hub in an org failed at by itself, or waits with. None of it is an item of this program.',
      none: 'No org has failed at anything by itself',
      noneText: 'Nothing failed or waits in the queues of the orgs that have the package.',
      noPackage: 'No connected org has the package',
      noPackageText: 'Then there is no queue of its own to be looked at.',
      couldNot: (name: string) => `The queue of ${name} could not be read`,
      of: (name: string) => `Own queue of ${name}`,
      mark: 'in the org',
      direction: { outbound: 'sent by it', inbound: 'taken by it' },
      status: {
        failed: 'Failed',
        staged: 'Waits to be fetched',
        pending: 'Waits for its work item',
      },
      retries: (n: number) => (n === 1 ? 'tried once' : `tried ${count(n)} times`),
      requeue: 'Queue again',
      requeueOf: (id: string) => `Queue ${id} again in the org`,
      dismiss: 'Dismiss',
      dismissOf: (id: string) => `Dismiss ${id} in the org`,
      why: 'Why?',
      requeued: (n: number) => `${count(n)} queued again in the org.`,
      dismissed: (n: number) => `${count(n)} dismissed in the org.`,
      refused: (reason: string) => `Left alone: ${reason}`,
    },
  },
};
