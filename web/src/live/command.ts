/** How far a command has come. Times in milliseconds UTC. */
export interface Command {
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
  readonly state: "queued" | "sent" | "delivered" | "done" | "failed" | "expired" | "cancelled";
  readonly created_at: number;
  readonly expires_at: number;
  readonly sent_at: number | null;
  readonly delivered_at: number | null;
  readonly ended_at: number | null;
  readonly response: unknown;
  /** Of what was sent to many devices at once. */
  readonly batch: number | null;
}
