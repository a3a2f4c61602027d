import type { HeldBy, Item, LastError } from '../backend/backend';

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

/**
 * What is known about a failure, by Salesforce error code. This table and the
 * one below are the only places that explain failures; add new ones here.
 */
export const CAUSES_BY_CODE: Record<string, Cause> = {
  UNABLE_TO_LOCK_ROW: {
    title: 'The record was busy',
    text: 'Another process in the target org was changing the same record at that moment.',
    fixer: 'wait',
    retryHelps: true,
    steps: [
      'Retry: the lock is usually gone within seconds.',
      'If it keeps returning, look for a long batch job or trigger in the target org.',
    ],
  },
  SERVER_UNAVAILABLE: {
    title: 'Salesforce was not available',
    text: 'The target org answered that its server cannot take requests for the moment.',
    fixer: 'wait',
    retryHelps: true,
    steps: ['Check status.salesforce.com for the target org’s instance.', 'Retry afterwards.'],
  },
  FIELD_CUSTOM_VALIDATION_EXCEPTION: {
    title: 'A validation rule refused the record',
    text: 'A validation rule in the target org does not accept these values. The same values are refused again until the rule or the work item changes.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: [
      'Read the message above: it is the rule’s own text.',
      'Let the rule pass records of the integration user, or correct the work item in the source org.',
      'Retry after the rule was changed. A corrected work item arrives by itself.',
    ],
  },
  REQUIRED_FIELD_MISSING: {
    title: 'A required field is empty',
    text: 'The target org requires a field that this work item does not fill.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: [
      'See in the message which field is meant.',
      'Fill it in the source org, or make it optional or give it a default in the target org.',
      'Retry after the target org was changed.',
    ],
  },
  DUPLICATE_VALUE: {
    title: 'The target org already has this value',
    text: 'A unique field or a duplicate rule in the target org already holds this value on another record.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: [
      'Find the other record by the message above.',
      'Merge the two or give one another value, then retry.',
    ],
  },
  DUPLICATES_DETECTED: {
    title: 'A duplicate rule refused the record',
    text: 'A duplicate rule in the target org takes this record for one that exists.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: ['Merge the two records, or let the rule pass the integration user.', 'Then retry.'],
  },
  INSUFFICIENT_ACCESS_OR_READONLY: {
    title: 'The integration user may not do this',
    text: 'The user signed in to the target org may not edit this record or field.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: ['Give the signed-in user the Delivery Hub permission set.', 'Then retry.'],
  },
  INVALID_FIELD: {
    title: 'The target org does not know a field',
    text: 'The payload names a field that does not exist in the target org or is hidden from the signed-in user.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: [
      'Compare the Delivery Hub versions of both orgs.',
      'Check the field-level security of the signed-in user, then retry.',
    ],
  },
  STRING_TOO_LONG: {
    title: 'A text is too long',
    text: 'A text in this work item is longer than the field of the target org.',
    fixer: 'sourceAdmin',
    retryHelps: false,
    steps: ['Shorten the text in the source org: the corrected work item arrives by itself.'],
  },
  INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST: {
    title: 'A picklist value is unknown',
    text: 'The target org’s picklist is restricted and does not have this value.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: ['Add the value to the picklist in the target org, then retry.'],
  },
  INVALID_SESSION_ID: {
    title: 'The sign-in has expired',
    text: 'The target org no longer accepts the sign-in of this program.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: ['Connect the org again on the Orgs screen, then retry.'],
  },
  REQUEST_LIMIT_EXCEEDED: {
    title: 'The API limit is used up',
    text: 'The target org has used all API calls of the last 24 hours.',
    fixer: 'wait',
    retryHelps: true,
    steps: [
      'Nothing is lost: sending goes on by itself when the limit allows it.',
      'To be faster, the target org’s admin can find and stop what uses up the calls.',
    ],
  },
  ENTITY_IS_DELETED: {
    title: 'The record was deleted in the target org',
    text: 'The work item that this change belongs to is in the target org’s recycle bin.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: [
      'Restore the record from the recycle bin and retry,',
      'or dismiss this item if the deletion was meant.',
    ],
  },
  STORAGE_LIMIT_EXCEEDED: {
    title: 'The target org is full',
    text: 'The data storage of the target org is used up, so no record can be saved.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: ['Free or buy storage in the target org, then retry.'],
  },
  CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY: {
    title: 'Automation in the target org failed',
    text: 'A trigger or flow in the target org stopped with an error while saving the record.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: [
      'Read the message above: it names the trigger or flow.',
      'Have it corrected in the target org, then retry.',
    ],
  },
  APEX_ERROR: {
    title: 'Apex code in the target org failed',
    text: 'The code that takes the work item stopped with an error.',
    fixer: 'developer',
    retryHelps: false,
    steps: ['Give the response, among the attempts below, to the developer of the target org.'],
  },
};

/** What is known about a failure without a known error code, by HTTP status. */
export const CAUSES_BY_STATUS: Record<number, Cause> = {
  400: {
    title: 'The target org refused the payload',
    text: 'The target org says that something in the payload is not right. The same payload is refused again.',
    fixer: 'sourceAdmin',
    retryHelps: false,
    steps: [
      'Read the message above and the response among the attempts.',
      'Correct the work item in the source org: the correction arrives by itself.',
    ],
  },
  401: CAUSES_BY_CODE['INVALID_SESSION_ID'] as Cause,
  403: {
    title: 'Access was denied',
    text: 'The signed-in user may not use the sync endpoint of the target org.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: [
      'Give the signed-in user the Delivery Hub permission set with its Apex class access.',
      'Then retry.',
    ],
  },
  404: {
    title: 'Delivery Hub was not found',
    text: 'The target org has no sync endpoint at the expected place.',
    fixer: 'targetAdmin',
    retryHelps: false,
    steps: ['Install Delivery Hub in the target org; sending then goes on by itself.'],
  },
  409: {
    title: 'The target org has a newer version',
    text: 'The target org holds a newer version of this work item. There is nothing to do.',
    fixer: 'wait',
    retryHelps: false,
    steps: [],
  },
  413: {
    title: 'The payload is too large',
    text: 'The target org does not accept a payload of this size.',
    fixer: 'sourceAdmin',
    retryHelps: false,
    steps: ['Make the work item smaller in the source org (long texts, many comments).'],
  },
  429: CAUSES_BY_CODE['REQUEST_LIMIT_EXCEEDED'] as Cause,
  500: {
    title: 'The target org had an internal error',
    text: 'The target org could not process the request. This is often temporary.',
    fixer: 'wait',
    retryHelps: true,
    steps: [
      'Retry.',
      'If it keeps returning, give the response, among the attempts below, to the admin of the target org.',
    ],
  },
  503: {
    title: 'The target org is in maintenance or overloaded',
    text: 'The target org cannot take requests for the moment.',
    fixer: 'wait',
    retryHelps: true,
    steps: ['Check status.salesforce.com for the target org’s instance.', 'Retry afterwards.'],
  },
};

const UNREACHABLE: Cause = {
  title: 'The target org could not be reached',
  text: 'No answer came: a time-out, a network error or a failed TLS connection.',
  fixer: 'wait',
  retryHelps: true,
  steps: [
    'Check this computer’s network, proxy and VPN.',
    'Check status.salesforce.com for the target org’s instance, then retry.',
  ],
};

const OTHER_REFUSAL: Cause = {
  title: 'The target org refused the request',
  text: 'The answer is none that this program can explain. The same request is probably refused again.',
  fixer: 'developer',
  retryHelps: false,
  steps: [
    'Read the message above and the response among the attempts, or give them to a developer.',
  ],
};

/** Explains an error: by its code if that is known, else by its HTTP status. */
export function causeOf(error: LastError): Cause {
  const byCode = error.errorCode === null ? undefined : CAUSES_BY_CODE[error.errorCode];
  if (byCode !== undefined) return byCode;
  if (error.httpStatus === null || error.httpStatus === 0) return UNREACHABLE;
  const byStatus = CAUSES_BY_STATUS[error.httpStatus];
  if (byStatus !== undefined) return byStatus;
  if (error.httpStatus === 408 || error.httpStatus === 425) return UNREACHABLE;
  if (error.httpStatus >= 500) return CAUSES_BY_STATUS[500] as Cause;
  return OTHER_REFUSAL;
}

/** The cause to show for an item: only while its last error still stands. */
export function itemCause(item: Pick<Item, 'status' | 'lastError'>): Cause | null {
  const open = item.status === 'failed' || item.status === 'retrying' || item.status === 'queued';
  return open && item.lastError !== null ? causeOf(item.lastError) : null;
}

/** Why a waiting item is not being sent, in words. */
export const HELD_REASONS: Record<HeldBy, string> = {
  orgPaused: 'The target org is paused. Resume it on the Orgs screen.',
  routePaused: 'The route is paused. Resume it on the Orgs screen.',
  signInRequired: 'The sign-in to the target org no longer works. Connect the org again.',
  orgUnreachable: 'The target org does not answer. Sending goes on by itself once it does.',
  rateLimited: 'The target org’s API limit is used up. Sending goes on by itself.',
  endpointMissing:
    'Delivery Hub was not found in the target org. It is looked for again by itself.',
  olderItem: 'An older change of the same work item has to be delivered first.',
};
