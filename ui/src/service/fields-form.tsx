import type { Fields } from "../api/types";
import { errorOf, Field, Select } from "../components/field";

export type WayProps = {
  fields: Fields;
  change: (fields: Fields) => void;
  error: unknown;
  /** Say why what was written is no YAML, "" when it is. */
  tellWrong: (why: string) => void;
};

const TLS = { "": "HTTPS, with the certificate that is usual here", internal: "HTTPS, signed by the site's own authority", acme: "HTTPS, from an ACME authority", off: "HTTP alone" };

/** The fields that most services have; the others stay as they are, and YAML has them all. */
export function FieldsForm({ fields, change, error }: WayProps) {
  const health = asFields(fields["health"]);
  const simple = fields["upstream"] === undefined || typeof fields["upstream"] === "string";
  return (
    <>
      {simple && fields["upstream"] !== undefined ? (
        <Field
          label="Upstream"
          required
          value={String(fields["upstream"])}
          onChange={(event) => change({ ...fields, upstream: event.target.value })}
          error={errorOf(error, "upstream")}
        />
      ) : (
        <p className="muted">Where it leads is more than one address; change it as YAML.</p>
      )}
      <Field
        label="Health path"
        placeholder="/"
        value={String(health["path"] ?? "")}
        onChange={(event) => change(withPath(fields, event.target.value))}
        error={errorOf(error, "health")}
      />
      <Select
        name="tls"
        label="Served over"
        choices={TLS}
        value={typeof fields["tls"] === "string" ? fields["tls"] : ""}
        onChange={(tls) => change(tls ? { ...fields, tls } : without(fields, "tls"))}
      />
    </>
  );
}

const asFields = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {});

const without = (fields: Fields, name: string): Fields => Object.fromEntries(Object.entries(fields).filter(([each]) => each !== name));

function withPath(fields: Fields, path: string): Fields {
  const health = asFields(fields["health"]);
  const changed = path ? { ...health, path } : without(health, "path");
  return Object.keys(changed).length > 0 ? { ...fields, health: changed } : without(fields, "health");
}
