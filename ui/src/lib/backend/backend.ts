import type { Adapter, OwnQueue, PackageCalls, Pull } from './package';

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
  relay: Relay;
  /** A part of the program failed, and nobody has seen the report of it. */
  crash: { path: string; summary: string } | null;
}

/** Whether the whole relay is paused, and until when; null: until it is resumed. */
export interface Relay {
  paused: boolean;
  pausedUntil: string | null;
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
  /** What it speaks, once that was found out. */
  adapter?: Adapter | null;
  /** How its changes are read, where they are. */
  pull?: Pull | null;
  /** What its package failed at by itself, where that was read. */
  ownQueue?: OwnQueue | null;
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
  /** What is known of the error that stands; null where none does. */
  cause: Cause | null;
  /** What people did with it, oldest first. */
  history: Deed[];
}

/** What can be done with items in a run. */
export type RunAction = 'retry' | 'dismiss' | 'restore' | 'sendNow';

/** By which way something was asked for: here, in a browser, on the command line, by another program. */
export type Via = 'window' | 'browser' | 'cli' | 'api';

/** What somebody did with an item. */
export interface Deed {
  at: string;
  actor: string;
  via: Via | null;
  action: RunAction;
  reason: string | null;
  runId: string | null;
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
  failureKey?: string;
  /** The items that a run changed. */
  runId?: string;
  q?: string;
  /** Accepted at or after. */
  since?: string;
  until?: string;
  /** As the list stood then: what failed later is not meant. */
  asOf?: string;
}

/** The order of a list; with a minus the latest first. */
export type ItemSort =
  'createdAt' | '-createdAt' | 'updatedAt' | '-updatedAt' | 'nextAttemptAt' | '-nextAttemptAt';

/** What a bulk action works on: named items, or all that a filter matches. */
export type Selection = { ids: string[] } | { filter: ItemFilter };

/** What a bulk action did, and what it refused and why. */
export interface BulkResult {
  changed: number;
  refused: { id: string; reason: string; message: string }[];
  /** The run that can be looked at again. */
  runId: string;
}

/** What a retry would do now. */
export interface Preflight {
  asOf: string;
  selected: number;
  send: number;
  superseded: number;
  notFailed: number;
  notFound: number;
  /** The most to send first. */
  orgs: PreflightOrg[];
}

/** What a retry would do to one target org. */
export interface PreflightOrg {
  orgId: string;
  send: number;
  superseded: number;
  heldBy: HeldBy | null;
  /** The requests that the first attempts cost. */
  apiCalls: number;
  apiUsage: { used: number; max: number } | null;
}

/** One bulk action, kept to be looked at again. */
export interface Run {
  id: string;
  at: string;
  /** Null while it runs, or where the program died in it. */
  endedAt: string | null;
  /** Tells one that runs from one that the program died in. */
  state: 'running' | 'done' | 'interrupted';
  actor: string;
  via: Via | null;
  action: RunAction;
  reason: string | null;
  selected: number;
  changed: number;
  refused: number;
  /** As it was sent; null where items were named. */
  filter: ItemFilter | null;
}

/** One page of runs. */
export interface RunPage {
  runs: Run[];
  nextCursor: string | null;
}

/** A run with what it refused, and where the items that it changed stand now. */
export interface RunDetail extends Run {
  /** The first thousand. */
  refusals: {
    id: string;
    reason: string;
    message: string;
    title: string | null;
    externalIds: string[];
  }[];
  now: {
    queued: number;
    processing: number;
    retrying: number;
    failed: number;
    dismissed: number;
    synced: number;
    superseded: number;
  };
}

/** Everything known of one record, in short. */
export interface WorkItem {
  externalId: string;
  title: string | null;
  lastItemId: string;
  lastStatus: ItemStatus;
  lastAt: string;
  items: number;
  /** Source and target orgs. */
  orgs: string[];
}

/** One page of work items, the last touched first. */
export interface WorkItemPage {
  workItems: WorkItem[];
  nextCursor: string | null;
}

/** Who can do something about a failure. */
export type Fixer = 'targetAdmin' | 'sourceAdmin' | 'wait' | 'developer';

/** A failure in plain words. */
export interface Cause {
  title: string;
  /** What happened. */
  text: string;
  fixer: Fixer;
  /** Whether retrying alone, with nothing changed, can help. */
  retryHelps: boolean;
  /** What to do, in order. */
  steps: string[];
}

/** What failed for one cause in one target org, and is not dismissed. */
export interface FailureGroup {
  failureKey: string;
  targetOrgId: string;
  httpStatus: number | null;
  errorCode: string | null;
  count: number;
  firstSeenAt: string;
  lastSeenAt: string;
  sampleMessage: string | null;
  sampleItemId: string;
  cause: Cause;
}

/** What happened in one span of time. */
export interface StatsBucket {
  at: string;
  accepted: number;
  synced: number;
  failed: number;
  retried: number;
  superseded: number;
  echoes: number;
  /** From acceptance to delivery; null where nothing was delivered. */
  p50Ms: number | null;
  p95Ms: number | null;
  runningSeconds: number;
}

/** What happened when. */
export interface Stats {
  window: string;
  bucket: string;
  buckets: StatsBucket[];
  total: StatsBucket;
  /** When the program was not running. */
  gaps: { from: string; to: string }[];
}

/** A token by which another program sends changes here; its secret is never shown again. */
export interface Token {
  id: string;
  name: string;
  sourceOrgIds: string[];
  createdAt: string;
  expiresAt: string | null;
  lastUsedAt: string | null;
  revokedAt: string | null;
}

/** What a setting can be. */
export type SettingValue = string | number | boolean | string[];

/** One setting of the program. */
export interface Setting {
  name: string;
  value: SettingValue;
  default: SettingValue;
  source: 'default' | 'file' | 'environment' | 'flag';
  description: string;
  /** What it must be, like "a whole number from 1 to 64". */
  mustBe: string;
  effect: 'atOnce' | 'nextStart';
  /** Whether the program still goes by another value, until it is started again. */
  pending: boolean;
}

/** The settings, and the file that they stand in. */
export interface Settings {
  file: string;
  settings: Setting[];
}

/** The file with everything in it. */
export interface StoreInfo {
  path: string;
  bytes: number;
  walBytes: number;
  schemaVersion: number;
  items: number;
  transactions: number;
  oldestItemAt: string | null;
}

/** What only the desktop program can do. */
export interface Desktop {
  info(): Promise<{ autostart: boolean | null; trayShown: boolean }>;
  setAutostart(on: boolean): Promise<void>;
  /** Keeps a text as a new file among the user's downloads; the result is its path. */
  saveFile(name: string, text: string): Promise<string>;
}

/** One line of the log of what people and the program did. */
export interface ActivityEntry {
  id: string | number;
  at: string;
  actor: string | null;
  via: Via | null;
  action: string;
  subject: string | null;
  reason: string | null;
  count: number | null;
  detail: string | null;
}

/** What of the log is shown; `action` is a name, or its beginning up to a dot. */
export interface ActivityFilter {
  action?: string;
  actor?: string;
  subject?: string;
  since?: string;
  until?: string;
}

/** How a file is written: for spreadsheets, or for programs. */
export type ExportFormat = 'csv' | 'ndjson';

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
  /** Holds every org until then, or until it is resumed. */
  pauseRelay(until: string | null): Promise<Relay>;
  resumeRelay(): Promise<Relay>;
  items(
    filter: ItemFilter,
    limit: number,
    cursor: string | null,
    sort?: ItemSort,
  ): Promise<ItemPage>;
  item(id: string): Promise<ItemDetail>;
  /** All that match, as a file's text. */
  exportItems(filter: ItemFilter, format: ExportFormat): Promise<string>;
  workItems(q: string, limit: number, cursor: string | null): Promise<WorkItemPage>;
  failures(): Promise<FailureGroup[]>;
  /** What happened when: to what went to all orgs, or to one. */
  stats(window: string, targetOrgId?: string | null): Promise<Stats>;
  /** What a retry would do now; changes nothing. */
  preflight(selection: Selection): Promise<Preflight>;
  retry(selection: Selection): Promise<BulkResult>;
  dismiss(selection: Selection, reason: string): Promise<BulkResult>;
  restore(selection: Selection): Promise<BulkResult>;
  /** Makes retrying items due now. */
  sendNow(selection: Selection): Promise<BulkResult>;
  runs(limit: number, cursor: string | null): Promise<RunPage>;
  run(id: string): Promise<RunDetail>;
  activity(limit: number, cursor: string | null, filter?: ActivityFilter): Promise<ActivityPage>;
  exportActivity(filter: ActivityFilter, format: ExportFormat): Promise<string>;
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
  readonly package: PackageCalls;
  setOrgPaused(orgId: string, paused: boolean): Promise<Org>;
  setRouteEnabled(routeId: string, enabled: boolean): Promise<Route>;
  tokens(): Promise<Token[]>;
  /** Makes a token; its secret comes back this one time. */
  createToken(name: string, sourceOrgIds: string[], expiresAt: string | null): Promise<string>;
  revokeToken(tokenId: string): Promise<void>;
  settings(): Promise<Settings>;
  /** Changes settings by name; null: back to the default. */
  changeSettings(changes: Record<string, SettingValue | null>): Promise<Settings>;
  store(): Promise<StoreInfo>;
  checkStore(): Promise<{ ok: boolean; problems: string[] }>;
  backupStore(): Promise<{ path: string; bytes: number }>;
  /** The redacted bundle, as the text that would be saved. */
  diagnostics(): Promise<string>;
  /** The report of the last crash was seen. */
  seeCrash(): Promise<void>;
  /** Null in a browser. */
  desktop: Desktop | null;
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
