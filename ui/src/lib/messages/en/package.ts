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
      'People, money and files are relayed only where you switch them on. Keys and secrets never are.',
    object: {
      workItem: 'Work item',
      comment: 'Comment',
      workLog: 'Work log',
      document: 'File',
    },
    member: 'Member',
    field: 'Field',
    relayed: 'Relayed',
    relay: (member: string) => `Relay ${member}`,
    default: 'As by default',
    warnings: 'Not as it should be',
    link: {
      open: 'Link records…',
      openOf: (name: string) => `Link records of ${name}`,
      title: (name: string) => `Link records of ${name}`,
      text: 'Say here that a record of this org and one of another are the same. Then a change of one goes to the other, in place of making a second record there. Do it before the route between the orgs is enabled.',
      object: 'What they are',
      otherOrg: 'Other org',
      recordIn: (name: string) => `Record in ${name}`,
      here: 'Record here',
      there: 'Record there',
      placeholder: 'Address of the record’s page, or its ID',
      faults: {
        none: 'There is no record ID in this. Paste the address of the record’s page, or its ID of 15 or 18 characters.',
        mistyped:
          'This ID is mistyped: its last three characters do not fit the others. Copy it again.',
      },
      make: 'Link',
      done: (one: string, other: string) => `${one} and ${other} are the same from now on.`,
      noOther: 'No other connected org has the package, so there is nothing to link with.',
      made: 'Linked by hand',
      none: 'Nothing yet.',
      more: 'Show older ones',
      since: 'Since',
      unlink: 'Unlink…',
      unlinkOf: (one: string, other: string) => `Unlink ${one} and ${other}`,
      unlinkAsk:
        'They are two from then on: the next change of either makes a record of its own in the other org. What was delivered stays as it is.',
      unlinkYes: 'Unlink',
      undone: (one: string, other: string) => `${one} and ${other} are two again.`,
    },
    own: {
      text: 'What Delivery Hub in an org failed at by itself, or waits with. None of it is an item of this program.',
      count: (n: number, more: boolean) => (more ? `${count(n)}+` : count(n)),
      read: 'Read',
      readAgain: 'Read again',
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
