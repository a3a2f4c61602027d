import { flushSync } from 'svelte';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Problem, type Org } from '../backend/backend';
import type { PackageCalls, RecordLink } from '../backend/package';
import { AT, mounted, org, page, SOURCE, TARGET } from '../testing/mounted';
import LinkDialog from './LinkDialog.svelte';

const adapter = { namespace: 'delivery' } as Org['adapter'];
const [A, B] = ['a01000000000001AAA', 'a02000000000002AAA'];
const made: RecordLink = {
  id: 'link-1',
  object: 'workItem',
  externalId: `${TARGET}:${A}`,
  one: { orgId: SOURCE, recordId: B },
  other: { orgId: TARGET, recordId: A },
  linkedAt: AT,
  actor: 'user:ada',
};

function open(calls: Partial<PackageCalls>, others: Org[] = [org({ orgId: SOURCE, adapter })]) {
  const answers = { links: () => Promise.resolve({ links: [], nextCursor: null }), ...calls };
  const app = page({ package: answers as PackageCalls });
  const mine = org({ adapter });
  app.monitor.orgs = [mine, ...others];
  const dialog = mounted(LinkDialog, { org: mine, onclose: () => undefined }, app);
  const type = (field: string, text: string) => {
    const input = dialog.find(`[data-testid="link-${field}"]`) as HTMLInputElement;
    input.value = text;
    input.dispatchEvent(new Event('input', { bubbles: true }));
    flushSync();
  };
  return { ...dialog, type };
}

describe('the dialog that links records', () => {
  beforeAll(() => {
    HTMLDialogElement.prototype.showModal = function () {
      this.open = true;
    };
  });

  it('takes the IDs out of addresses and says what it linked', async () => {
    const linkRecords = vi.fn(() => Promise.resolve({}));
    const { type, press, reads } = open({ linkRecords });
    type('one', `https://acme.lightning.force.com/lightning/r/WorkItem__c/${A}/view`);
    type('other', B);
    press('Link');
    await reads(`${A} and ${B} are the same from now on.`);
    expect(linkRecords).toHaveBeenCalledWith(
      'workItem',
      { orgId: TARGET, recordId: A },
      { orgId: SOURCE, recordId: B },
    );
  });

  it('says at each field what is wrong with it, and asks the program nothing', () => {
    const linkRecords = vi.fn(() => Promise.resolve({}));
    const { type, press, find } = open({ linkRecords });
    type('one', 'the red one');
    type('other', 'a02000000000002AAB');
    press('Link');
    flushSync();
    expect(find('[data-testid="link-one"] + p').textContent).toContain('no record ID');
    expect(find('[data-testid="link-other"] + p').textContent).toContain('mistyped');
    expect(linkRecords).not.toHaveBeenCalled();
  });

  it('shows a refusal of the program at the field that it is about', async () => {
    const refusal = new Problem(409, 'REFUSED', 'Conflict', 'A record can be only one.');
    const { type, press, find, reads } = open({ linkRecords: () => Promise.reject(refusal) });
    type('one', A);
    type('other', B);
    press('Link');
    await reads('A record can be only one.');
    expect(find('[data-testid="link-other"] + p').textContent).toBe('A record can be only one.');
  });

  it('lists what was linked with the record of this org first, and takes it back once that is confirmed', async () => {
    const unlinkRecords = vi.fn(() => Promise.resolve());
    const links = vi.fn(() => Promise.resolve({ links: [made], nextCursor: null }));
    const { all, press, reads, find } = open({ links, unlinkRecords });
    await reads(A);
    expect(all('td .mono').map((cell) => cell.textContent)).toEqual([A, B]);
    press(`Unlink ${A} and ${B}`);
    await reads('They are two from then on');
    expect(unlinkRecords).not.toHaveBeenCalled();
    find('[data-testid="unlink-confirm"]').click();
    await reads('are two again');
    expect(unlinkRecords).toHaveBeenCalledWith('link-1');
  });

  it('says why nothing can be linked where no other org has the package', () => {
    expect(open({}, [org({ orgId: SOURCE })]).text()).toContain('nothing to link with');
  });
});
