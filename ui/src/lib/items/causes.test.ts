import { describe, expect, it } from 'vitest';
import type { HeldBy } from '../backend/backend';
import { CAUSES_BY_CODE, CAUSES_BY_STATUS, causeOf, HELD_REASONS, itemCause } from './causes';

const error = (httpStatus: number | null, errorCode: string | null = null) => ({
  httpStatus,
  errorCode,
  message: null,
});

describe('the cause table', () => {
  it.each([
    'UNABLE_TO_LOCK_ROW',
    'FIELD_CUSTOM_VALIDATION_EXCEPTION',
    'REQUIRED_FIELD_MISSING',
    'DUPLICATE_VALUE',
    'INVALID_SESSION_ID',
    'REQUEST_LIMIT_EXCEEDED',
    'ENTITY_IS_DELETED',
    'STORAGE_LIMIT_EXCEEDED',
  ])('explains %s', (code) => {
    expect(CAUSES_BY_CODE[code]).toBeDefined();
    expect(causeOf(error(400, code))).toBe(CAUSES_BY_CODE[code]);
  });

  it('gives every cause a title, a text and, where someone must act, steps', () => {
    for (const cause of [...Object.values(CAUSES_BY_CODE), ...Object.values(CAUSES_BY_STATUS)]) {
      expect(cause.title).not.toBe('');
      expect(cause.text).not.toBe('');
      if (cause.fixer !== 'wait') expect(cause.steps.length).toBeGreaterThan(0);
    }
  });

  it('prefers the code to the status', () => {
    expect(causeOf(error(500, 'UNABLE_TO_LOCK_ROW')).title).toBe('The record was busy');
    expect(causeOf(error(500, 'SOMETHING_NEW'))).toBe(CAUSES_BY_STATUS[500]);
  });

  it('explains no answer, rare statuses and unknown ones', () => {
    expect(causeOf(error(null)).retryHelps).toBe(true);
    expect(causeOf(error(502))).toBe(CAUSES_BY_STATUS[500]);
    expect(causeOf(error(418))).toMatchObject({ fixer: 'developer', retryHelps: false });
  });

  it('does not promise that a retry cures a refusal', () => {
    for (const status of [400, 403, 413]) expect(causeOf(error(status)).retryHelps).toBe(false);
  });
});

describe('itemCause', () => {
  it('is silent about an old error once the item is delivered', () => {
    expect(itemCause({ status: 'synced', lastError: error(500) })).toBeNull();
    expect(itemCause({ status: 'failed', lastError: error(500) })).not.toBeNull();
    expect(itemCause({ status: 'failed', lastError: null })).toBeNull();
  });
});

it('has words for every reason to hold', () => {
  const reasons: HeldBy[] = [
    'orgPaused',
    'routePaused',
    'signInRequired',
    'orgUnreachable',
    'rateLimited',
    'endpointMissing',
    'olderItem',
  ];
  expect(Object.keys(HELD_REASONS).sort()).toEqual(reasons.sort());
});
