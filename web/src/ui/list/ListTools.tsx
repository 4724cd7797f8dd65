import { useComputed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { SORT_KEYS, type SortKey, sortBy } from "../listView";
import { usePage } from "../page";
import { lazy } from "../parts/lazy";
import { Popover } from "../parts/Popover";
import { hashOf } from "../route";
import { labelKeys } from "./listing";

const ColumnChoice = lazy(() => import("./ColumnChoice").then((room) => room.ColumnChoice));

const SORT_WORD: Readonly<Record<SortKey, string>> = {
  name: "Name",
  problems: "Problems",
  value: "Value",
  seen: "Last seen",
};

/** What is above the grid: the search, and how the list is grouped, sorted and filled. */
export function ListTools() {
  const page = usePage();
  const { metrics } = page.list.value;
  return (
    <div class="toolbar">
      <div class="toolbar-line">
        <h2 id="devices-title">Devices</h2>
        <Search />
        {page.rights.value.may("devices:write") && (
          <a
            class="button"
            data-after-dialog
            href={hashOf({ ...page.route.value, deviceId: null, isAdding: true })}
          >
            Add device
          </a>
        )}
      </div>
      <div class="toolbar-line">
        <GroupMenu />
        <SortMenu />
        <Popover title="Columns" button={metrics.length ? `Columns: ${metrics.length}` : "Columns"}>
          <ColumnChoice />
        </Popover>
      </div>
    </div>
  );
}

function GroupMenu() {
  const page = usePage();
  const { fleet } = page.live;
  const { groupBy } = page.list.value;
  const keys = useComputed(() => {
    fleet.structure.value;
    return labelKeys(fleet.listed());
  }).value;
  // A link may name a label that no device has.
  const offered = groupBy === null || keys.includes(groupBy) ? keys : [...keys, groupBy];
  return (
    <select
      class="field"
      aria-label="Group by"
      value={groupBy ?? ""}
      onChange={(change) => page.arrange({ groupBy: change.currentTarget.value || null })}
    >
      <option value="">No groups</option>
      {offered.map((key) => (
        <option key={key} value={key}>
          By {key}
        </option>
      ))}
    </select>
  );
}

function SortMenu() {
  const page = usePage();
  const { sort } = page.list.value;
  return (
    <span class="joined">
      <select
        class="field"
        aria-label="Sort by"
        value={sort.key}
        onChange={(change) => page.arrange({ sort: sortBy(change.currentTarget.value as SortKey) })}
      >
        {SORT_KEYS.map((key) => (
          <option key={key} value={key}>
            {key === "value" && sort.metric !== null ? sort.metric : SORT_WORD[key]}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="button"
        aria-label="Descending"
        aria-pressed={sort.isDescending}
        onClick={() => page.arrange({ sort: { ...sort, isDescending: !sort.isDescending } })}
      >
        <span aria-hidden="true">{sort.isDescending ? "▾" : "▴"}</span>
      </button>
    </span>
  );
}

/** The search box; `/` anywhere on the page goes to it, Escape empties it. */
function Search() {
  const page = usePage();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focusOnSlash = (press: KeyboardEvent) => {
      if (press.key !== "/" || press.ctrlKey || press.metaKey || press.altKey) return;
      if (press.target instanceof HTMLElement && press.target.matches("input, select, textarea")) return;
      press.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    addEventListener("keydown", focusOnSlash);
    return () => removeEventListener("keydown", focusOnSlash);
  }, []);
  return (
    <input
      ref={input}
      class="field search"
      type="search"
      aria-label="Search devices"
      aria-keyshortcuts="/"
      placeholder="Search ( / )"
      value={page.list.value.search}
      onInput={(change) => page.arrange({ search: change.currentTarget.value })}
      onKeyDown={(press) => {
        if (press.key === "Escape") page.arrange({ search: "" });
      }}
    />
  );
}
