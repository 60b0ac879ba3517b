/** GitHub's events about leaked secrets, vulnerabilities and who may push: they are looked at before the rest. */
const SECURITY_EVENTS: ReadonlySet<string> = new Set([
  'branch_protection_configuration',
  'branch_protection_rule',
  'code_scanning_alert',
  'dependabot_alert',
  'repository_advisory',
  'repository_vulnerability_alert',
  'secret_scanning_alert',
  'secret_scanning_alert_location',
  'secret_scanning_scan',
  'security_advisory',
  'security_and_analysis',
]);

export function isSecurityEvent(event: string): boolean {
  return SECURITY_EVENTS.has(event);
}
