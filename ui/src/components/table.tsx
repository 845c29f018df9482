import type { ReactNode } from "react";

export type Column<T> = { head: string; cell: (row: T) => ReactNode; number?: boolean };
export type TableProps<T> = { caption: string; rows: readonly T[]; columns: readonly Column<T>[]; id: (row: T) => string; empty: string };

/** A table; on a narrow screen each row becomes a card, and the roles keep it a table for screen readers. */
export function Table<T>({ caption, rows, columns, id, empty }: TableProps<T>) {
  if (rows.length === 0) return <p className="empty">{empty}</p>;
  return (
    <table role="table">
      <caption className="unseen">{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th key={column.head} role="columnheader" scope="col">
              {column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={id(row)} role="row">
            {columns.map((column) => (
              <td key={column.head} role="cell" data-head={column.head} className={column.number ? "number" : undefined}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
