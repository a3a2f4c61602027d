/** Canned data for the mock server: four orgs and items in every state. */
import { createHash } from 'node:crypto';

export const ORGS = {
  client: '00D5e000000AAAAEA4',
  agency: '00D7Q000001BBBBUA2',
  legacy: '00D3h000002CCCCEAU',
  sandbox: '00D8d000003DDDDUA0',
};

const at = (now, seconds) => new Date(now + seconds * 1000).toISOString();

/** What an org with Delivery Hub's package has, and how it is read. */
export const adapter = (now) => ({
  adapter: {
    dialect: 'packageV1',
    wantedDialect: null,
    namespace: 'delivery',
    apiVersion: '66.0',
    packageVersion: '1.42.0.3',
    oldFieldNames: [],
    documentedEndpoint: false,
    packageService: true,
    objects: ['WorkItem__c', 'WorkItemComment__c', 'WorkLog__c'],
    checkedAt: at(now, -3600),
    ownMapping: false,
    warnings: [],
  },
  pull: {
    enabled: true,
    since: at(now, -864_000),
    pulledAt: at(now, -40),
    changedAt: at(now, -240),
    nextPullAt: at(now, 60),
    detail: null,
  },
});

/** Which member is which field. */
export const MAPPING = [
  ['title', 'BriefDescriptionTxt__c', 'text', true],
  ['status', 'StageNamePk__c', 'text', true],
  ['assignee', 'DeveloperLookup__r.Email', 'userEmail', false],
  ['documents', 'VersionData', 'file', false, 'document'],
].map(([member, field, conversion, on, object = 'workItem']) => ({
  object,
  member,
  field,
  conversion,
  on,
}));

/** What the package in an org failed at by itself. */
export const own = (now) =>
  [
    [
      'a04000000000001AAA',
      'outbound',
      'It could not send this. Mend the cause, then queue it again.',
    ],
    ['a04000000000002AAA', 'inbound', 'Queueing it again here would strand it for good.'],
  ].map(([id, direction, explanation]) => ({
    id,
    objectType: 'WorkItem__c',
    direction,
    status: 'failed',
    retries: 3,
    error: 'Read timed out',
    recordId: null,
    parentRef: null,
    createdAt: at(now, -7200),
    explanation,
    canRequeue: direction === 'outbound',
    canDismiss: direction === 'outbound',
  }));

/** The connected orgs. */
export function orgs(now) {
  const org = (orgId, alias, kind, health, more = {}) => ({
    orgId,
    alias,
    username: `integration@${alias}.example.com`,
    instanceUrl: `https://${alias}.my.salesforce.com`,
    health,
    healthDetail: null,
    apiUsage: { used: 4210, max: 15000 },
    clockSkewMs: 120,
    lastDeliveredAt: at(now, -95),
    lastReceivedAt: at(now, -240),
    suppressedEchoes: 17,
    queueDepth: 6,
    kind,
    signedInBy: 'browser',
    signedInAt: at(now, -864_000),
    loginUrl: 'https://login.salesforce.com',
    clientId: 'PlatformCLI',
    endpointPath: '/services/apexrest/dlhub/delivery/sync',
    replacedBy: null,
    ...more,
  });
  return [
    org(ORGS.client, 'acme-client', 'production', 'connected'),
    org(ORGS.agency, 'northwind-agency', 'production', 'connected', { queueDepth: 2 }),
    org(ORGS.legacy, 'legacy', 'production', 'signInRequired', {
      healthDetail: 'The refresh token was refused: expired access/refresh token',
      lastDeliveredAt: null,
      clockSkewMs: -42_000,
    }),
    org(ORGS.sandbox, 'acme-uat', 'sandbox', 'orgUnreachable', {
      healthDetail: 'Connection timed out after 10 s; next probe in 30 s',
      apiUsage: null,
    }),
  ];
}

/** The routes between them. */
export function routes(now) {
  const pairs = [
    ['client', 'agency', true],
    ['agency', 'client', true],
    ['agency', 'sandbox', true],
    ['client', 'legacy', false],
  ];
  return pairs.map(([from, to, enabled], index) => ({
    id: `route-${index + 1}`,
    sourceOrgId: ORGS[from],
    targetOrgId: ORGS[to],
    enabled,
    createdAt: at(now, -86_400),
    queueDepth: index,
  }));
}

const ERRORS = [
  [
    400,
    'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    'Estimated hours must not be above 40 for a work item in Triage.',
  ],
  [500, 'UNABLE_TO_LOCK_ROW', 'unable to obtain exclusive access to this record'],
  [400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [Assignee__c]'],
  [500, null, 'Internal server error'],
  [null, null, 'operation timed out after 120 s'],
];

const TITLES = [
  'Add revenue report by region',
  'Fix rounding of invoice totals',
  'Migrate picklist values of Stage',
  'Portal login shows a blank page after the password reset of a community user',
  'Nightly job stops at 50,000 records',
  'New approval step for discounts above 20 %',
];

/** When each attempt of a cycle is made, in seconds from its beginning. */
const SCHEDULE = [0, 30, 150, 750, 4350];

function attemptsOf(now, error, n, cycle, lastOutcome) {
  return Array.from({ length: n }, (_, index) => ({
    number: index + 1,
    cycle,
    startedAt: at(now, SCHEDULE[index] - SCHEDULE[n - 1] - 60),
    durationMs: 84 + index * 131,
    outcome: index === n - 1 ? lastOutcome : 'retrying',
    httpStatus: error[0],
    errorCode: error[1],
    message: error[2],
    responseBody:
      error[0] === null ? null : JSON.stringify([{ message: error[2], errorCode: error[1] }]),
    counted: true,
  }));
}

/** What makes failures one cause. */
const failureKey = (orgId, parts) =>
  createHash('sha256')
    .update([orgId, ...parts].join('|'))
    .digest('hex')
    .slice(0, 16);

/** What is known of each error, by code and status. */
export const CAUSES = {
  FIELD_CUSTOM_VALIDATION_EXCEPTION: {
    title: 'A validation rule refused the record',
    text: 'A validation rule in the target org does not accept these values.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: ['Read the message: it is the rule’s own text.', 'Retry after the rule was changed.'],
  },
  UNABLE_TO_LOCK_ROW: {
    title: 'The record was busy',
    text: 'Another process in the target org was changing the same record at that moment.',
    fixer: 'wait',
    retryHelps: true,
    steps: ['Retry: the lock is usually gone within seconds.'],
  },
  REQUIRED_FIELD_MISSING: {
    title: 'A required field is empty',
    text: 'The target org requires a field that this work item does not fill.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: ['See in the message which field is meant.', 'Retry after the target org was changed.'],
  },
  500: {
    title: 'The target org had an error of its own',
    text: 'Salesforce answered that something went wrong there.',
    fixer: 'developer',
    retryHelps: true,
    steps: ['Retry once.', 'If it fails again, look at the Apex exception in the target org.'],
  },
  0: {
    title: 'The target org did not answer in time',
    text: 'No answer came before the time-out.',
    fixer: 'wait',
    retryHelps: true,
    steps: ['Retry when the org answers again.'],
  },
};

/** What is known of an error; null of none. */
export function causeOf(error) {
  if (error === null) return null;
  return CAUSES[error.errorCode ?? error.httpStatus ?? 0] ?? CAUSES[500];
}

/** An item that was retried twice by hand, and met a limit on its way. */
function retriedTwice(now, item) {
  const error = [item.lastError.httpStatus, item.lastError.errorCode, item.lastError.message];
  const earlier = (log, seconds) =>
    log.map((one) => ({ ...one, startedAt: at(Date.parse(one.startedAt), -seconds) }));
  const limit = {
    ...attemptsOf(now, [429, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'], 1, 2)[0],
    number: 3,
    startedAt: at(now, -88_000),
    outcome: 'rateLimited',
    counted: false,
  };
  const second = earlier(attemptsOf(now, error, 5, 2, 'failed'), 86_400);
  Object.assign(item, {
    cycle: 3,
    createdAt: at(now, -180_000),
    attemptLog: [
      ...earlier(attemptsOf(now, error, 5, 1, 'failed'), 172_800),
      ...second.slice(0, 2),
      limit,
      ...second.slice(2),
      ...item.attemptLog.map((one) => ({ ...one, cycle: 3 })),
    ],
    history: [
      {
        at: at(now, -90_811),
        actor: 'user:grace',
        via: 'cli',
        action: 'retry',
        reason: null,
        runId: null,
      },
      {
        at: at(now, -40_000),
        actor: 'user:ada',
        via: 'browser',
        action: 'dismiss',
        reason: 'Waits for the release',
        runId: null,
      },
      {
        at: at(now, -5000),
        actor: 'user:ada',
        via: 'browser',
        action: 'restore',
        reason: null,
        runId: null,
      },
      {
        at: at(now, -4411),
        actor: 'user:ada',
        via: 'browser',
        action: 'retry',
        reason: null,
        runId: null,
      },
    ],
  });
}

/** The items; `failed` says how many of them have failed. */
export function items(now, failed = 12) {
  const all = [];
  const add = (status, index, more = {}) => {
    const id = `${status}-${index + 1}`;
    const error = ERRORS[index % ERRORS.length];
    const bad = status === 'failed' || status === 'retrying';
    const permanent = error[0] === 400;
    const n = bad ? (status === 'retrying' ? (index % 4) + 1 : permanent ? 1 : 5) : 0;
    const item = {
      id,
      transactionId: `txn_${id.replace('-', '_')}`,
      sourceOrgId: index % 2 === 0 ? ORGS.client : ORGS.agency,
      targetOrgId: index % 2 === 0 ? ORGS.agency : ORGS.client,
      operation: index % 7 === 6 ? 'delete' : 'upsert',
      externalIds:
        index % 5 === 3 ? [`WI-${1040 + index}`, 'WI-1', 'WI-2'] : [`WI-${1040 + index}`],
      title: TITLES[index % TITLES.length],
      status,
      heldBy: null,
      attempts: n,
      cycle: 1,
      createdAt: at(now, -5400 - index * 60),
      updatedAt: at(now, -60 - index * 47),
      nextAttemptAt: null,
      lastError: bad ? { httpStatus: error[0], errorCode: error[1], message: error[2] } : null,
      failureKey: null,
      dismissedAt: null,
      dismissReason: null,
      attemptLog: bad ? attemptsOf(now, error, n, 1, status) : [],
      history: [],
      runs: [],
      ...more,
    };
    if (bad) item.createdAt = at(Date.parse(item.attemptLog[0].startedAt), -1);
    if (status === 'failed') item.failureKey = failureKey(item.targetOrgId, error);
    if (status === 'synced' || status === 'superseded') {
      item.attempts = 1;
      item.attemptLog = [
        {
          ...attemptsOf(now, [200, null, null], 1, 1, status)[0],
          startedAt: item.createdAt,
          httpStatus: status === 'synced' ? 200 : 409,
          responseBody: '{"success":true}',
        },
      ];
    }
    // Written by hand: a parser would round the big number and 1.10.
    item.payloadText = `{"transactionId":"${item.transactionId}","sourceOrgId":"${item.sourceOrgId}","operation":"${item.operation}","records":[{"externalId":"${item.externalIds[0]}","title":"${item.title}","estimatedHours":1.10,"legacyNumber":12345678901234567890,"assignee":"developer@example.com","description":"As an account manager\\nI want to see what was earned where,\\nso that I can plan the next quarter.\\n\\nThe figures come from closed opportunities; open ones are left out until they are won.","comments":[{"author":"ada@example.com","at":"2026-02-27T14:30:00.000Z","text":"Please take the fiscal year."}],"timeLogs":[]}]}`;
    all.push(item);
  };
  for (let i = 0; i < failed; i += 1) add('failed', i);
  const fifth = all.find((item) => item.id === 'failed-5');
  if (fifth !== undefined) retriedTwice(now, fifth);
  add('failed', Math.max(40, failed), {
    dismissedAt: at(now, -300),
    dismissReason: 'Test data, not needed',
  });
  add('retrying', 1, { nextAttemptAt: at(now, 42) });
  add('retrying', 3, { nextAttemptAt: at(now, 1850) });
  add('retrying', 0, { heldBy: 'orgUnreachable', targetOrgId: ORGS.sandbox });
  for (let i = 0; i < 3; i += 1) add('queued', i);
  add('queued', 8, { heldBy: 'signInRequired', targetOrgId: ORGS.legacy });
  add('queued', 9, { heldBy: 'olderItem' });
  add('processing', 0);
  for (let i = 0; i < 130; i += 1) add('synced', i);
  add('superseded', 0);
  add('superseded', 1);
  return all;
}

/** What people and the program did, newest first. */
export function activity(now) {
  const lines = [
    [
      -40,
      'relay',
      'echo.suppress',
      'WI-1041',
      { reason: ORGS.client, detail: 'WI-1041', count: 1 },
    ],
    [-300, 'user:ada', 'item.dismiss', 'failed-41', { reason: 'Test data, not needed', count: 1 }],
    [-900, 'relay', 'org.health', ORGS.legacy, { reason: 'signInRequired' }],
    [-3600, 'cli', 'item.retry', null, { count: 14 }],
    [-7200, 'user:ada', 'route.pause', `${ORGS.client} → ${ORGS.legacy}`, {}],
    [-86_400, 'user:ada', 'org.connect', ORGS.client, {}],
  ];
  return lines.map(([seconds, actor, action, subject, more], index) => ({
    id: lines.length - index,
    at: at(now, seconds),
    actor,
    action,
    subject,
    reason: null,
    count: null,
    detail: null,
    via: actor.startsWith('user:') ? 'browser' : actor === 'cli' ? 'cli' : null,
    ...more,
  }));
}

/** What the Salesforce CLI knows. */
export const CLI_ORGS = [
  {
    username: 'ada@acme.example',
    aliases: ['prod', 'hub'],
    orgId: ORGS.client,
    instanceUrl: 'https://acme.my.salesforce.com',
    kind: 'production',
    connected: true,
    problem: null,
  },
  {
    username: 'ada@northwind.example.uat',
    aliases: [],
    orgId: '00D9z000000NWNDEA0',
    instanceUrl: 'https://northwind--uat.sandbox.my.salesforce.com',
    kind: 'sandbox',
    connected: false,
    problem: null,
  },
];

/** The org that a sign-in leads to. */
export function newcomer(now, alias) {
  const [first] = orgs(now);
  return {
    ...first,
    orgId: '00D9z000000NWNDEA0',
    alias: alias ?? null,
    username: 'ada@northwind.example.uat',
    kind: 'sandbox',
    queueDepth: 0,
    lastDeliveredAt: null,
    lastReceivedAt: null,
  };
}

/** What a test finds. */
export const CHECKS = [
  { check: 'signIn', result: 'ok', message: 'Signed in as ada@northwind.example.uat.' },
  { check: 'endpoint', result: 'failed', message: 'There is no sync endpoint at /x.' },
  { check: 'apiUsage', result: 'warning', message: '12,500 of 15,000 API calls are used (83 %).' },
  { check: 'clock', result: 'skipped', message: 'The org did not say what time it is there.' },
];
