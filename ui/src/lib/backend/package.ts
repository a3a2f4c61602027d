/** What an org with Delivery Hub's package has, and how it is read. */
export interface Adapter {
  dialect: 'deliverySync' | 'packageV1';
  wantedDialect: 'deliverySync' | 'packageV1' | null;
  /** Empty where the package has none; null where there is no package. */
  namespace: string | null;
  apiVersion: string;
  packageVersion: string | null;
  /** Fields with names of an older package. */
  oldFieldNames: string[];
  documentedEndpoint: boolean;
  packageService: boolean;
  objects: string[];
  checkedAt: string;
  ownMapping: boolean;
  warnings: string[];
}

/** How the reading of an org's changes stands. */
export interface Pull {
  enabled: boolean;
  since: string;
  pulledAt: string | null;
  changedAt: string | null;
  nextPullAt: string | null;
  /** Why nothing is read, where that is so. */
  detail: string | null;
}

/** What a round of reading brought. */
export interface Pulled {
  changes: number;
  conflicts: number;
  echoes: number;
  deleted: number;
}

/** Which member of the documented record is which field of the package. */
export interface MappedMember {
  object: HubObject;
  member: string;
  field: string;
  conversion: string;
  on: boolean;
}

/** An object of the package whose records are relayed. */
export type HubObject = 'workItem' | 'comment' | 'workLog' | 'document';

/** A record of an org. */
export interface RecordOf {
  orgId: string;
  recordId: string;
}

/** Two records that somebody said are one. */
export interface RecordLink {
  id: string;
  object: HubObject;
  /** The name that both have. */
  externalId: string;
  /** The record that had it. */
  one: RecordOf;
  other: RecordOf;
  linkedAt: string;
  actor: string;
}

/** Links, the newest first. */
export interface LinkPage {
  links: RecordLink[];
  nextCursor: string | null;
}

/** A row of the package's own queue in an org. */
export interface OwnItem {
  id: string;
  objectType: string;
  direction: 'inbound' | 'outbound';
  status: 'failed' | 'staged' | 'pending' | null;
  retries: number;
  error: string | null;
  recordId: string | null;
  parentRef: string | null;
  createdAt: string | null;
  explanation: string;
  canRequeue: boolean;
  canDismiss: boolean;
}

/** What an org's own queue holds. */
export interface OwnItems {
  syncItems: OwnItem[];
  readAt: string;
}

/** How much an org's own queue held when the program last read it. */
export interface OwnQueue {
  count: number;
  /** Whether there may be more than were counted. */
  more: boolean;
  readAt: string;
}

/** What was changed in an org's own queue. */
export interface OwnDone {
  changed: number;
  refused: { id: string; reason: string }[];
}

/** What is asked of orgs with the package. */
export interface PackageCalls {
  /** Reads what changed in an org now. */
  pullNow(orgId: string): Promise<Pulled>;
  setPull(orgId: string, enabled: boolean): Promise<unknown>;
  mapping(orgId: string): Promise<MappedMember[]>;
  /** Null: the default. */
  setMapping(orgId: string, members: MappedMember[] | null): Promise<void>;
  /** Which records of an org somebody said are the same as those of others. */
  links(orgId: string, cursor: string | null): Promise<LinkPage>;
  /** Says that two records are one. */
  linkRecords(object: HubObject, one: RecordOf, other: RecordOf): Promise<unknown>;
  unlinkRecords(linkId: string): Promise<void>;
  /** What the package in an org failed at, or waits with. */
  ownItems(orgId: string): Promise<OwnItems>;
  requeueOwn(orgId: string, ids: string[]): Promise<OwnDone>;
  dismissOwn(orgId: string, ids: string[], reason: string): Promise<OwnDone>;
}
