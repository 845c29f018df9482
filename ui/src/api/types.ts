/** The names the dashboard uses for what the API gives; the shapes are generated from the API's own schemas. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Plan = Schemas["document_plan"];
export type Change = Schemas["document_change"];
export type Problem = Schemas["document_problem"];
export type Source = Schemas["document_source"];
export type Progress = Schemas["document_event"];
export type Report = Schemas["document_report"];
export type Outcome = Schemas["document_outcome"];
export type Run = Schemas["document_runs"]["runs"][number];
export type JournalEntry = Schemas["document_journal"]["entries"][number];
export type Drift = Schemas["document_drift"];
export type Drifted = Drift["drift"][number];
export type Service = Schemas["Service"];
export type Declared = Omit<Schemas["Declared"], "health" | "fields"> & { health: Health; fields: Fields };
export type Fields = Record<string, unknown>;
export type Health = { state?: string; milliseconds?: number | null; checked?: string | null };
export type Certificate = Schemas["Certificate"];
export type Loop = Schemas["LoopState"];
export type AuditEntry = Schemas["audit_Entry"];
export type Result = Omit<Schemas["Result"], "changes"> & { changes: Outcome[] };
export type Registration = Schemas["Registration"];
