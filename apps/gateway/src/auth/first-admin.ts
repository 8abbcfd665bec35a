import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '@mediakiln/config';
import { Log } from '@mediakiln/observability';
import { Accounts } from './accounts';

/** The administrator that ADMIN_EMAIL names exists from the first start on; a later change of ADMIN_PASSWORD is no reset. */
@Injectable()
export class FirstAdmin implements OnApplicationBootstrap {
  constructor(
    private readonly config: AppConfig,
    private readonly accounts: Accounts,
    private readonly log: Log,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { adminEmail, adminPassword } = this.config;
    if (adminEmail === undefined || adminPassword === undefined) return;
    const email = adminEmail.trim().toLowerCase();
    if (await this.accounts.exists(email)) return;
    // Replicas that start together may all come here: the insert lets one of them through.
    const created = await this.accounts.create({ email, password: adminPassword, role: 'admin' });
    if (created) this.log.info('administrator created', { user_id: created.id });
  }
}
