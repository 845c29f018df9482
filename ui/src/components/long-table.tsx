import { useState } from "react";
import { Button } from "./button";
import { Field } from "./field";
import { Table, type TableProps } from "./table";

/** So many rows are shown at first, and more with each press. */
const STEP = 50;

type Props<T> = TableProps<T> & { words: (row: T) => string };

/** A table that may become long: then its rows are searched by their `words`, and shown in steps. */
export function LongTable<T>({ words, rows, empty, ...table }: Props<T>) {
  const [wanted, want] = useState("");
  const [most, show] = useState(STEP);
  const about = wanted.trim().toLowerCase();
  const found = rows.filter((row) => words(row).toLowerCase().includes(about));
  const shown = found.slice(0, most);
  if (rows.length <= STEP) return <Table rows={rows} empty={empty} {...table} />;
  return (
    <>
      <Field label={`Search: ${table.caption}`} type="search" value={wanted} onChange={(event) => want(event.target.value)} />
      <Table rows={shown} empty="Nothing here has these letters." {...table} />
      <p role="status">
        {shown.length} of {found.length}.{" "}
        {shown.length < found.length && (
          <Button quiet onClick={() => show(most + STEP)}>
            Show more
          </Button>
        )}
      </p>
    </>
  );
}
