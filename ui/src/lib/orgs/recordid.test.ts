import { describe, expect, it } from 'vitest';
import { recordIn } from './recordid';

const ID = 'a01Ux00000AbCdEIAV';

describe('recordIn', () => {
  it.each([
    ['a01Ux00000AbCdE', 'a01Ux00000AbCdE'],
    ['  a01000000000001AAA ', 'a01000000000001AAA'],
    [
      'https://acme.lightning.force.com/lightning/r/delivery__WorkItem__c/a01000000000001AAA/view',
      'a01000000000001AAA',
    ],
    ['acme.lightning.force.com/lightning/r/a01000000000001AAA/view', 'a01000000000001AAA'],
    ['https://acme.my.salesforce.com/a01000000000001', 'a01000000000001'],
    [
      'https://acme.lightning.force.com/one/one.app#/sObject/a01000000000001AAA/view?x=1',
      'a01000000000001AAA',
    ],
    // An object whose name is as long as an ID.
    [
      'https://acme.lightning.force.com/lightning/r/OpportunityLine/a01000000000001/view',
      'a01000000000001',
    ],
    ['https://acme.lightning.force.com/flow?recordId=a01000000000001AAA', 'a01000000000001AAA'],
  ])('finds the ID in %s', (text, id) => {
    expect(recordIn(text)).toEqual({ id });
  });

  it('tells what holds none from what was mistyped', () => {
    expect(recordIn('')).toEqual({ fault: 'none' });
    expect(recordIn('https://acme.lightning.force.com/lightning/o/WorkItem__c/list')).toEqual({
      fault: 'none',
    });
    expect(recordIn('a01000000000001AAB')).toEqual({ fault: 'mistyped' });
    expect(recordIn(ID.toLowerCase())).toEqual({ fault: 'mistyped' });
  });
});
