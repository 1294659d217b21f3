import type { DiagnosisReport, Mesh } from '../index.js';

export type { DiagnosisReport, Finding, FindingCode } from '../index.js';

/**
 * What `mesh.diagnose()` does, for pages whose bundler leaves that file out of its output. Takes up to 10 s. Rejects only if the
 * argument is no mesh.
 */
export function diagnose(mesh: Mesh): Promise<DiagnosisReport>;
