import { useQuery } from "@tanstack/react-query";
import { loopQuery } from "../api/queries";
import type { Problem } from "../api/types";
import { Notice } from "./notice";
import { Problems } from "./problems";
import { Resume } from "./suspension";
import { Time } from "./time";

/** What nobody may overlook on any page: the loop is held, or the manifests do not load. */
export function Banners() {
  const loop = useQuery({ ...loopQuery, refetchInterval: 15_000 }).data;
  if (!loop) return null;
  return (
    <>
      {loop.suspended && (
        <Notice tone="warn" title="Suspended">
          <p>{loop.suspended.reason || "No reason was given."}</p>
          <p>
            Since <Time at={loop.suspended.since} />
            {loop.suspended.until && (
              <>
                , ends <Time at={loop.suspended.until} />
              </>
            )}
            . The loop looks and tells, and changes nothing by itself.
          </p>
          <Resume />
        </Notice>
      )}
      {loop.mode === "observe" && (
        <Notice tone="plain" title="Only observed">
          <p>The loop changes nothing by itself (reconcile.mode in conduit.yaml).</p>
        </Notice>
      )}
      <Problems title="The last pass failed; the last good state keeps running" problems={loop.problems as Problem[]} />
    </>
  );
}
