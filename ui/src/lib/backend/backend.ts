/** Every status an item can have; the names are the management API's. */
export const ITEM_STATUSES = [
  'queued',
  'processing',
  'retrying',
  'failed',
  'synced',
  'superseded',
] as const;

/** One of {@link ITEM_STATUSES}. */
export type ItemStatus = (typeof ITEM_STATUSES)[number];

/** Why a waiting item is not being sent. */
export type HeldBy =
  | 'orgPaused'
  | 'routePaused'
  | 'signInRequired'
  | 'orgUnreachable'
  | 'rateLimited'
  | 'endpointMissing'
  | 'olderItem';

/** The health of a connected org. */
export type OrgHealth =
  'connected' | 'paused' | 'signInRequired' | 'orgUnreachable' | 'rateLimited' | 'endpointMissing';

/** What kind of org it is. */
export type OrgKind = 'production' | 'sandbox' | 'scratch' | 'developer' | 'unknown';

/** How one attempt ended. */
export type AttemptOutcome =
  | 'synced'
  | 'tokenRenewed'
  | 'superseded'
  | 'retrying'
  | 'failed'
  | 'signInRequired'
  | 'rateLimited'
  | 'endpointMissing'
  | 'unreachable'
  | 'interrupted';

/** `GET status`. */
export interface Status {
  version: string;
  uptimeSeconds: number;
  counts: Record<ItemStatus, number>;
  held: number;
  dismissed: number;
  suppressedEchoes: number;
  nextAttemptAt: string | null;
  /** The number of connected orgs. */
  orgs: number;
  demo: boolean;
  listenAddress: string;
  schedule: string[];
  serverTime: string;
  /** In a demo, where a simulated org waits to be signed in to. */
  demoLoginUrl: string | null;
}

/** A connected org. */
export interface Org {
  orgId: string;
  alias: string | null;
  username: string | null;
  instanceUrl: string;
  health: OrgHealth;
  healthDetail: string | null;
  apiUsage: { used: number; max: number } | null;
  clockSkewMs: number | null;
  lastDeliveredAt: string | null;
  lastReceivedAt: string | null;
  suppressedEchoes: number;
  queueDepth: number;
  kind: OrgKind;
  signedInBy: SignedInBy | null;
  signedInAt: string | null;
  loginUrl: string | null;
  clientId: string | null;
  endpointPath: string;
  /** The org that stands at its address now: the sandbox was refreshed. */
  replacedBy: string | null;
}

/** How an org was signed in to. */
export type SignedInBy = 'browser' | 'cli' | 'authUrl';

/** A sign-in in the browser, and where it stands. */
export interface SignIn {
  id: string | null;
  state: 'waiting' | 'connected' | 'failed' | 'cancelled' | 'expired';
  authorizeUrl: string | null;
  expiresAt: string | null;
  orgId: string | null;
  problem: { code: string; detail: string } | null;
}

/** What one part of the test of an org found. */
export interface Check {
  check: 'signIn' | 'endpoint' | 'apiUsage' | 'clock';
  result: 'ok' | 'warning' | 'failed' | 'skipped';
  message: string;
}

/** An org that the Salesforce CLI on this machine is signed in to. */
export interface CliOrg {
  username: string;
  aliases: string[];
  orgId: string | null;
  instanceUrl: string | null;
  kind: OrgKind;
  connected: boolean;
  problem: string | null;
}

/** "Changes from the source go to the target." */
export interface Route {
  id: string;
  sourceOrgId: string;
  targetOrgId: string;
  enabled: boolean;
  createdAt: string;
  queueDepth: number;
}

/** What the last unsuccessful attempt came to. */
export interface LastError {
  httpStatus: number | null;
  errorCode: string | null;
  message: string | null;
}

/** One transaction on its way to one target org. */
export interface Item {
  id: string;
  transactionId: string;
  sourceOrgId: string;
  targetOrgId: string;
  operation: string;
  externalIds: string[];
  title: string | null;
  status: ItemStatus;
  heldBy: HeldBy | null;
  attempts: number;
  cycle: number;
  createdAt: string;
  updatedAt: string;
  nextAttemptAt: string | null;
  lastError: LastError | null;
  failureKey: string | null;
  dismissedAt: string | null;
  dismissReason: string | null;
}

/** One HTTP request made for an item. */
export interface Attempt {
  number: number;
  cycle: number;
  startedAt: string;
  durationMs: number | null;
  outcome: AttemptOutcome;
  httpStatus: number | null;
  errorCode: string | null;
  message: string | null;
  responseBody: string | null;
  counted: boolean;
}

/** An item with its payload and its history. */
export interface ItemDetail extends Item {
  /** The payload exactly as sent: parsing it would round big numbers. */
  payloadText: string;
  attemptLog: Attempt[];
}

/** One page of items. */
export interface ItemPage {
  items: Item[];
  nextCursor: string | null;
  total: number;
}

/** Which items a list shows, or a bulk action touches. */
export interface ItemFilter {
  status?: string;
  targetOrgId?: string;
  sourceOrgId?: string;
  dismissed?: boolean;
  held?: boolean;
  externalId?: string;
  since?: string;
  until?: string;
}

/** What a bulk action works on: named items, or all that a filter matches. */
export type Selection = { ids: string[] } | { filter: ItemFilter };

/** What a bulk action did, and what it refused and why. */
export interface BulkResult {
  changed: number;
  refused: { id: string; reason: string }[];
}

/** One line of the log of what people and the program did. */
export interface ActivityEntry {
  id: string | number;
  at: string;
  actor: string | null;
  action: string;
  subject: string | null;
  reason: string | null;
  count: number | null;
  detail: string | null;
}

/** One page of the log. */
export interface ActivityPage {
  activity: ActivityEntry[];
  nextCursor: string | null;
}

/** What changed in the program since the last such message. */
export interface Change {
  /** The changed items; null when there are too many to name. */
  items: string[] | null;
  orgs: boolean;
  routes: boolean;
}

/** Receives the event stream's news. */
export interface ChangeListener {
  /** The stream is open; whatever was shown before may be out of date. */
  connected(): void;
  /** The stream broke; the adapter is already trying again. */
  disconnected(): void;
  /** Something changed. */
  changed(change: Change): void;
}

/** Everything the UI asks of the program. */
export interface Backend {
  status(): Promise<Status>;
  orgs(): Promise<Org[]>;
  routes(): Promise<Route[]>;
  items(filter: ItemFilter, limit: number, cursor: string | null): Promise<ItemPage>;
  item(id: string): Promise<ItemDetail>;
  retry(selection: Selection): Promise<BulkResult>;
  dismiss(selection: Selection, reason: string): Promise<BulkResult>;
  restore(selection: Selection): Promise<BulkResult>;
  activity(limit: number, cursor: string | null): Promise<ActivityPage>;
  importOrg(sfdxAuthUrl: string, alias: string): Promise<Org>;
  /** Begins a sign-in in the browser to a new org; opens nothing itself. */
  login(loginUrl: string, clientId: string, alias: string): Promise<SignIn>;
  /** Begins to sign in to a known org again, the way it was done before. */
  loginAgain(orgId: string): Promise<SignIn>;
  /** Where a sign-in stands. */
  signIn(id: string): Promise<SignIn>;
  cancelSignIn(id: string): Promise<void>;
  cliOrgs(): Promise<CliOrg[]>;
  connectCliOrg(username: string, alias: string): Promise<Org>;
  testOrg(orgId: string): Promise<Org & { checks: Check[] }>;
  changeOrg(orgId: string, change: { alias?: string; endpointPath?: string }): Promise<Org>;
  disconnectOrg(orgId: string): Promise<void>;
  addRoute(sourceOrgId: string, targetOrgId: string): Promise<Route>;
  removeRoute(routeId: string): Promise<void>;
  /** Shows a page in the user's browser. One that does not open tells nobody: show the link too. */
  openUrl(url: string): Promise<void>;
  setOrgPaused(orgId: string, paused: boolean): Promise<Org>;
  setRouteEnabled(routeId: string, enabled: boolean): Promise<Route>;
  /** Starts listening; the result stops it. */
  listen(listener: ChangeListener): () => void;
}

/** An answer of the program that is not a success (RFC 9457), or no answer at all. */
export class Problem extends Error {
  /** @param status the HTTP status; 0 when the program could not be reached */
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title);
    this.name = 'Problem';
  }

  /** True when no answer came, as opposed to an answer that says no. */
  get unreachable(): boolean {
    return this.status === 0;
  }
}
