// Calls every operation of Amazon SNS with @aws-sdk/client-sns, and checks what it answers and what is delivered.
//
// Only the environment that every SDK reads is set: the endpoint's URL, a key and a region. Prints the names of the operations
// that were called.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const http = require('node:http');
const path = require('node:path');
const aws = require('@aws-sdk/client-sns');

const sns = new aws.SNSClient({});
const called = new Set();

/** The answer to one operation, by its name. */
function call(operation, parameters = {}) {
  called.add(operation);
  return sns.send(new aws[`${operation}Command`](parameters));
}

/** The text of the one delivery that was listed instead of sent. */
function kept(choice) {
  const script = path.join(__dirname, 'outbox.py');
  return execFileSync(process.env.FANFARE_PYTHON, [script, ...Object.entries(choice).map(([k, v]) => `${k}=${v}`)]).toString().trim();
}

/** A subscriber: its URL, and what comes in, one after the other. */
async function inbox() {
  const [arrived, waiting] = [[], []];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.end();
    const message = { kind: request.headers['x-amz-sns-message-type'], ...JSON.parse(body) };
    waiting.length ? waiting.shift()(message) : arrived.push(message);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const next = () => (arrived.length ? Promise.resolve(arrived.shift()) : new Promise((came) => waiting.push(came)));
  return { url: `http://127.0.0.1:${server.address().port}/inbox`, next, close: () => server.close() };
}

async function topics() {
  const Tags = [{ Key: 'team', Value: 'a&b <c>' }];
  const { TopicArn } = await call('CreateTopic', { Name: 'tour', Attributes: { DisplayName: 'Tour' }, Tags });
  assert.equal(TopicArn, 'arn:aws:sns:eu-west-1:123456789012:tour');
  await assert.rejects(call('CreateTopic', { Name: 'not a name' }), (error) => {
    assert.ok(error instanceof aws.InvalidParameterException);
    assert.equal(error.message, 'Invalid parameter: Topic Name');
    assert.equal(error.$metadata.httpStatusCode, 400);
    return true;
  });
  assert.deepEqual((await call('ListTopics')).Topics, [{ TopicArn }]);
  await call('SetTopicAttributes', { TopicArn, AttributeName: 'DisplayName', AttributeValue: 'żółć "<&>"' });
  assert.equal((await call('GetTopicAttributes', { TopicArn })).Attributes.DisplayName, 'żółć "<&>"');
  await call('TagResource', { ResourceArn: TopicArn, Tags: [{ Key: 'stage', Value: 'test' }] });
  await call('UntagResource', { ResourceArn: TopicArn, TagKeys: ['team'] });
  assert.deepEqual((await call('ListTagsForResource', { ResourceArn: TopicArn })).Tags, [{ Key: 'stage', Value: 'test' }]);
  return TopicArn;
}

async function pages() {
  const names = Array.from({ length: 101 }, (_, n) => `page-${String(n).padStart(3, '0')}`);
  for (const Name of names) await call('CreateTopic', { Name });
  const listed = [];
  for await (const page of aws.paginateListTopics({ client: sns }, {})) listed.push(...page.Topics);
  assert.equal(listed.filter(({ TopicArn }) => TopicArn.includes(':page-')).length, 101);
  for (const name of names) await call('DeleteTopic', { TopicArn: `arn:aws:sns:eu-west-1:123456789012:${name}` });
}

async function permissions(TopicArn) {
  await call('AddPermission', { TopicArn, Label: 'partner', AWSAccountId: ['210987654321'], ActionName: ['Publish', 'Subscribe'] });
  const { Statement } = JSON.parse((await call('GetTopicAttributes', { TopicArn })).Attributes.Policy);
  const added = Statement.find(({ Sid }) => Sid === 'partner');
  assert.deepEqual(added.Action, ['SNS:Publish', 'SNS:Subscribe']);
  await call('RemovePermission', { TopicArn, Label: 'partner' });
  assert.ok(!(await call('GetTopicAttributes', { TopicArn })).Attributes.Policy.includes('partner'));
}

async function dataProtection(ResourceArn) {
  const statement = {
    Sid: 'hide-addresses', DataDirection: 'Inbound', Principal: ['*'],
    DataIdentifier: ['arn:aws:dataprotection::aws:data-identifier/EmailAddress'],
    Operation: { Deidentify: { MaskConfig: { MaskWithCharacter: '#' } } },
  };
  const policy = JSON.stringify({ Name: 'tour', Version: '2021-06-01', Statement: [statement] });
  await call('PutDataProtectionPolicy', { ResourceArn, DataProtectionPolicy: policy });
  assert.equal((await call('GetDataProtectionPolicy', { ResourceArn })).DataProtectionPolicy, policy);
}

async function subscriptions(TopicArn) {
  const subscriber = await inbox();
  const asked = await call('Subscribe', { TopicArn, Protocol: 'http', Endpoint: subscriber.url, ReturnSubscriptionArn: true });
  const request = await subscriber.next();
  assert.equal(request.kind, 'SubscriptionConfirmation');
  const { SubscriptionArn } = await call('ConfirmSubscription', { TopicArn, Token: request.Token });
  assert.equal(asked.SubscriptionArn, SubscriptionArn);
  const listed = (await call('ListSubscriptionsByTopic', { TopicArn })).Subscriptions;
  assert.deepEqual((await call('ListSubscriptions')).Subscriptions, listed);
  assert.equal(listed[0].SubscriptionArn, SubscriptionArn);
  await call('SetSubscriptionAttributes', { SubscriptionArn, AttributeName: 'FilterPolicy', AttributeValue: '{"n":[{"numeric":[">",5]}]}' });
  assert.equal((await call('GetSubscriptionAttributes', { SubscriptionArn })).Attributes.FilterPolicyScope, 'MessageAttributes');

  const number = (value) => ({ n: { DataType: 'Number', StringValue: value } });
  await call('Publish', { TopicArn, Message: 'too small', MessageAttributes: number('5') });
  const bytes = { picture: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) } };
  const published = await call('Publish', {
    TopicArn, Subject: 'a parcel', Message: 'write to a@example.com & smile \u{1F600}', MessageAttributes: { ...number('5.5'), ...bytes },
  });
  const envelope = await subscriber.next();
  assert.equal(envelope.MessageId, published.MessageId);
  assert.equal(envelope.Message, 'write to ############# & smile \u{1F600}');
  assert.deepEqual(envelope.MessageAttributes.picture, { Type: 'Binary', Value: 'AP8=' });

  const entries = ['1', '2'].map((Id) => ({ Id, Message: `entry ${Id}`, MessageAttributes: number('6') }));
  const batch = await call('PublishBatch', { TopicArn, PublishBatchRequestEntries: entries });
  assert.deepEqual(batch.Successful.map(({ Id }) => Id), ['1', '2']);
  const texts = [await subscriber.next(), await subscriber.next()].map(({ Message }) => Message).sort();
  assert.deepEqual(texts, ['entry 1', 'entry 2']);
  await assert.rejects(call('PublishBatch', { TopicArn, PublishBatchRequestEntries: [entries[0], entries[0]] }), aws.BatchEntryIdsNotDistinctException);
  await call('Unsubscribe', { SubscriptionArn });
  await assert.rejects(call('GetSubscriptionAttributes', { SubscriptionArn }), aws.NotFoundException);
  subscriber.close();
}

async function textMessages() {
  const PhoneNumber = '+15550100124';
  await call('SetSMSAttributes', { attributes: { DefaultSMSType: 'Promotional' } });
  assert.equal((await call('GetSMSAttributes', { attributes: ['DefaultSMSType'] })).attributes.DefaultSMSType, 'Promotional');
  assert.equal((await call('GetSMSSandboxAccountStatus')).IsInSandbox, false);
  await call('CreateSMSSandboxPhoneNumber', { PhoneNumber });
  const password = kept({ destination: PhoneNumber }).match(/\d{5,8}/)[0];
  const wrong = password === '00000' ? '00001' : '00000';
  await assert.rejects(call('VerifySMSSandboxPhoneNumber', { PhoneNumber, OneTimePassword: wrong }), aws.VerificationException);
  await call('VerifySMSSandboxPhoneNumber', { PhoneNumber, OneTimePassword: password });
  assert.deepEqual((await call('ListSMSSandboxPhoneNumbers')).PhoneNumbers, [{ PhoneNumber, Status: 'Verified' }]);
  await call('DeleteSMSSandboxPhoneNumber', { PhoneNumber });
  assert.deepEqual((await call('ListOriginationNumbers')).PhoneNumbers, []);
  assert.equal((await call('CheckIfPhoneNumberIsOptedOut', { phoneNumber: PhoneNumber })).isOptedOut, false);
  assert.deepEqual((await call('ListPhoneNumbersOptedOut')).phoneNumbers, []);
  await call('OptInPhoneNumber', { phoneNumber: PhoneNumber });
  const { MessageId } = await call('Publish', { PhoneNumber, Message: 'the parcel is here' });
  assert.equal(kept({ messageId: MessageId }), 'the parcel is here');
}

async function devices() {
  const Attributes = { PlatformPrincipal: 'client-id', PlatformCredential: 'client-secret' };
  const { PlatformApplicationArn } = await call('CreatePlatformApplication', { Name: 'tour', Platform: 'ADM', Attributes });
  await call('SetPlatformApplicationAttributes', { PlatformApplicationArn, Attributes: { SuccessFeedbackSampleRate: '50' } });
  const attributes = (await call('GetPlatformApplicationAttributes', { PlatformApplicationArn })).Attributes;
  assert.equal(attributes.SuccessFeedbackSampleRate, '50');
  assert.equal((await call('ListPlatformApplications')).PlatformApplications.length, 1);
  const { EndpointArn } = await call('CreatePlatformEndpoint', { PlatformApplicationArn, Token: 'a-token' });
  await assert.rejects(call('CreatePlatformEndpoint', { PlatformApplicationArn, Token: 'a-token', CustomUserData: 'other' }), (error) => {
    assert.equal(error.message.match(/(arn:aws:sns\S+)/)[1], EndpointArn);
    return true;
  });
  await call('SetEndpointAttributes', { EndpointArn, Attributes: { CustomUserData: 'somebody' } });
  assert.equal((await call('GetEndpointAttributes', { EndpointArn })).Attributes.CustomUserData, 'somebody');
  assert.equal((await call('ListEndpointsByPlatformApplication', { PlatformApplicationArn })).Endpoints[0].EndpointArn, EndpointArn);
  const { MessageId } = await call('Publish', { TargetArn: EndpointArn, Message: 'ding' });
  assert.match(kept({ messageId: MessageId }), /ding/);
  await call('DeleteEndpoint', { EndpointArn });
  await call('DeletePlatformApplication', { PlatformApplicationArn });
}

(async () => {
  const TopicArn = await topics();
  await pages();
  await permissions(TopicArn);
  await dataProtection(TopicArn);
  await subscriptions(TopicArn);
  await textMessages();
  await devices();
  await call('DeleteTopic', { TopicArn });
  console.log([...called].sort().join('\n'));
})().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
