import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { curlCommand, syncUrl } from './curl';

describe('the request as a curl command', () => {
  it('holds a placeholder for the token', () => {
    expect(curlCommand('https://acme.my.salesforce.com/x', '{}')).toContain('Bearer $TOKEN"');
  });

  it('gives a shell the address and the payload to the letter', () => {
    const payload = String.raw`{"a":"it's $HOME \"quoted\" \\ ${'`'}ls${'`'}","n":12345678901234567890}`;
    const url = "https://acme.example/it's/$HOME";
    // A shell function in the place of curl says what it was given.
    const script = `TOKEN=secret\ncurl() { printf '%s\\n' "$@"; cat; }\n${curlCommand(url, payload)}`;
    const said = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\n');
    expect(said).toEqual([
      '--request',
      'POST',
      url,
      '--header',
      'Authorization: Bearer secret',
      '--header',
      'Content-Type: application/json',
      '--data-binary',
      '@-',
      payload,
      '',
    ]);
  });

  it('goes to the endpoint of the target', () => {
    const org = { instanceUrl: 'https://acme.my.salesforce.com/', endpointPath: '/x/sync' };
    expect(syncUrl(org)).toBe('https://acme.my.salesforce.com/x/sync');
    expect(syncUrl(null)).toMatch(/^https:\/\/MY_DOMAIN/);
  });
});
