import { useRef, useState } from "preact/hooks";
import type { Command } from "../../../live/command";
import type { CommandsPage, DeviceRest } from "../../../live/deviceRest";
import { useLoaded } from "../../parts/Loaded";
import { useDeviceNews } from "../useDeviceNews";

const PAGE = 20;

/** A device's commands, newest first, kept up by its channel; older ones page by page as they are asked for. */
export function useCommands(rest: DeviceRest) {
  // By id: those that newer ones push off the newest page stay in view. What the channel said is never older
  // than what REST answers to a question asked later, so an answer replaces only what the channel has not told.
  const seen = useRef(new Map<number, Command>());
  const told = useRef(new Set<number>());
  const [next, setNext] = useState<number | null>(null);
  const [, setTurn] = useState(0);
  const note = (page: CommandsPage): CommandsPage => {
    for (const command of page.commands) {
      if (!told.current.has(command.id)) seen.current.set(command.id, command);
    }
    setNext(page.next);
    return page;
  };
  const newest = useLoaded(async () => {
    told.current.clear();
    return note(await rest.commands(PAGE));
  });
  const take = (commands: readonly Command[]) => {
    for (const command of commands) {
      seen.current.set(command.id, command);
      told.current.add(command.id);
    }
    setTurn((turn) => turn + 1);
  };
  useDeviceNews((news) => {
    if (news.type === "command" && news.command) take([news.command]);
    else if (news.type === "command") void newest.reload();
    else if (news.type === "subscribed") {
      if (news.recovered) take(news.commands ?? []);
      else void newest.reload();
    }
  });
  return {
    newest,
    take,
    listed: [...seen.current.values()].sort((a, b) => b.id - a.id),
    older: next === null ? null : async () => void note(await rest.commands(PAGE, next)),
  };
}
