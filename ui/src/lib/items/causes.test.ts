import { describe, expect, it } from 'vitest';
import type { Cause, FailureGroup, HeldBy } from '../backend/backend';
import { m } from '../shared/messages';
import titles from './cause-titles.json';
import { causeTitle, standingCause, worstOf } from './causes';

const error = (httpStatus: number | null, errorCode: string | null = null) => ({
  httpStatus,
  errorCode,
});

describe('what a failure is called', () => {
  it('goes by the code before the status', () => {
    expect(causeTitle(error(500, 'UNABLE_TO_LOCK_ROW'))).toBe('The record was busy');
    expect(causeTitle(error(500, 'SOMETHING_NEW'))).toBe('The target org had an internal error');
  });

  it('goes by the narrower status first, and has words for what it does not know', () => {
    expect(causeTitle(error(503))).toBe('The target org is in maintenance or overloaded');
    expect(causeTitle(error(502))).toBe('The target org had an internal error');
    expect(causeTitle(error(418))).toBe('The target org refused the payload');
    expect(causeTitle(error(null))).toBe(titles.noAnswer);
    expect(causeTitle(error(0))).toBe(titles.noAnswer);
    expect(causeTitle(error(999))).toBe(titles.unknown);
  });

  it('has words for each error that admins meet most', () => {
    for (const code of [
      'UNABLE_TO_LOCK_ROW',
      'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      'REQUIRED_FIELD_MISSING',
      'DUPLICATE_VALUE',
      'INVALID_SESSION_ID',
      'REQUEST_LIMIT_EXCEEDED',
      'ENTITY_IS_DELETED',
      'STORAGE_LIMIT_EXCEEDED',
    ]) {
      expect(Object.keys(titles.byCode)).toContain(code);
    }
  });
});

const cause = { fixer: 'wait' } as Cause;

describe('the cause to show', () => {
  it('is none about an old error once the item is delivered', () => {
    expect(standingCause({ status: 'synced', cause })).toBeNull();
    expect(standingCause({ status: 'superseded', cause })).toBeNull();
    expect(standingCause({ status: 'failed', cause })).toBe(cause);
    expect(standingCause({ status: 'failed', cause: null })).toBeNull();
  });

  it('is, of several, the most frequent that needs a person', () => {
    const group = (fixer: Cause['fixer'], count: number) =>
      ({ count, cause: { fixer } }) as FailureGroup;
    const [passing, rare, frequent] = [
      group('wait', 99),
      group('developer', 1),
      group('targetAdmin', 3),
    ];
    expect(worstOf([passing, rare, frequent])).toBe(frequent);
    expect(worstOf([passing])).toBe(passing);
    expect(worstOf([])).toBeNull();
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
  expect(Object.keys(m.heldReasons).sort()).toEqual(reasons.sort());
});
