import { useId, useState } from "react";
import { parse, stringify } from "yaml";
import { Labelled } from "../components/field";
import type { WayProps } from "./fields-form";

/** All fields as text. Comments of the manifest are not shown here and stay in the file. */
export function YamlForm({ fields, change, tellWrong }: WayProps) {
  const id = useId();
  const [text, setText] = useState(() => stringify(fields));
  const write = (written: string) => {
    setText(written);
    try {
      const read: unknown = parse(written) ?? {};
      if (typeof read !== "object" || Array.isArray(read)) throw new Error("write fields, one on each line: `upstream: 10.0.1.5:3000`");
      change(read as WayProps["fields"]);
      tellWrong("");
    } catch (error) {
      tellWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Labelled id={id} label="Fields" hint="As below the name in the manifest. Its comments stay as they are.">
      <textarea id={id} aria-describedby={`${id}-hint`} spellCheck={false} rows={12} value={text} onChange={(event) => write(event.target.value)} />
    </Labelled>
  );
}
