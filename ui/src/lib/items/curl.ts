/** The line that ends the payload: no line of valid JSON can be this word. */
const END = 'SYNC_MONITOR_PAYLOAD';

/** A text as one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/**
 * The request that an attempt makes, as a command for a POSIX shell. The token is
 * left as `$TOKEN`: it never leaves the program. The payload goes in by a here
 * document, since arguments have a length limit that payloads exceed.
 */
export function curlCommand(url: string, payload: string): string {
  return [
    `curl --request POST ${quoted(url)} \\`,
    '  --header "Authorization: Bearer $TOKEN" \\',
    "  --header 'Content-Type: application/json' \\",
    `  --data-binary @- <<'${END}'`,
    payload,
    END,
    '',
  ].join('\n');
}

/** Where a change for an org is sent; a placeholder for the host where the org is not known. */
export function syncUrl(org: { instanceUrl: string; endpointPath: string } | null): string {
  if (org === null)
    return 'https://MY_DOMAIN.my.salesforce.com/services/apexrest/dlhub/delivery/sync';
  return org.instanceUrl.replace(/\/+$/, '') + org.endpointPath;
}
