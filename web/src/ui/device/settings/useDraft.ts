import { useEffect, useState } from "preact/hooks";
import type { DeviceInfo } from "../../../live/rest";
import type { DraftField } from "./SettingField";
import { type ReadDraft, readDraft, type Texts, textsOf } from "./settingsDraft";

export interface Draft extends ReadDraft {
  readonly field: (path: string) => DraftField;
  /** Tell every fault from now on; whether there is none. */
  readonly check: () => boolean;
  /** What the hub found wrong, by path. */
  readonly refuse: (path: string, fault: string) => void;
  readonly discard: () => void;
}

/** The unsaved changes to a device's settings. Fields that nobody edited follow the hub. */
export function useDraft(info: DeviceInfo): Draft {
  const [edits, setEdits] = useState<Texts>({});
  // Fields that had the focus, the current one last. A fault shows once another field is entered: shown on
  // leaving, it would push away the button that is being clicked.
  const [entered, setEntered] = useState<readonly string[]>([]);
  const [refused, setRefused] = useState<Texts>({});
  const [isChecked, setChecked] = useState(false);
  const before = textsOf(info);
  const found = readDraft(info, edits);
  const isDirty = found.changed.length > 0;
  useEffect(() => {
    if (!isDirty) return;
    const ask = (leaving: BeforeUnloadEvent) => leaving.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isDirty]);
  const changed = new Set(found.changed);
  const faultOf = (path: string) =>
    refused[path] ?? (isChecked || entered.slice(0, -1).includes(path) ? found.faults[path] : undefined);
  return {
    ...found,
    field: (path) => ({
      name: path,
      text: edits[path] ?? before[path] ?? "",
      isChanged: changed.has(path),
      fault: faultOf(path),
      edit: (text) => {
        setEdits((known) => ({ ...known, [path]: text }));
        setRefused(({ [path]: _gone, ...others }) => others);
      },
      enter: () => setEntered((known) => [...known.filter((one) => one !== path), path]),
    }),
    check: () => {
      setChecked(true);
      return Object.keys(found.faults).length === 0;
    },
    refuse: (path, fault) => setRefused({ [path]: fault }),
    discard: () => {
      setEdits({});
      setEntered([]);
      setRefused({});
      setChecked(false);
    },
  };
}
