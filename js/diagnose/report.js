/** The report as text, to be pasted into a mail or a ticket. It has no address of the viewer and no credentials. */

/** @typedef {import('./index.js').Finding} Finding */

const HEADS = { problem: 'PROBLEMS', note: 'NOTES', good: 'WELL' };

/**
 * @param {Record<string, unknown>} state
 * @param {Finding[]} findings
 * @returns {string}
 */
export function writeReport(state, findings) {
  const lines = [`hlsmesh diagnosis, ${new Date().toISOString()}`, ''];
  for (const [severity, head] of Object.entries(HEADS)) {
    const some = findings.filter((finding) => finding.severity === severity);
    if (some.length === 0) continue;
    lines.push(head);
    for (const { code, message, advice } of some) {
      lines.push(`- ${code}: ${message}`);
      if (advice) lines.push(`  ${advice}`);
    }
    lines.push('');
  }
  lines.push('STATE');
  for (const [name, value] of Object.entries(state)) {
    if (value !== undefined && value !== '') lines.push(`- ${name}: ${value}`);
  }
  return `${lines.join('\n')}\n`;
}
