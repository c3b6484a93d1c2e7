// Calls every operation of Amazon SNS with the AWS SDK for Go, version 2, and checks what it answers and what is delivered.
//
// Of that SDK's age, none reads the endpoint's URL from the environment: it is given in code, as its documents say. Prints the
// names of the operations that were called.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

var (
	ctx    = context.Background()
	client *sns.Client
	called = map[string]bool{}
	text   = aws.String
)

// Notes which operation the SDK sends.
func note(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("note", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		called[awsmiddleware.GetOperationName(ctx)] = true
		return next.HandleInitialize(ctx, in)
	}), middleware.After)
}

// The answer to a call that has to work.
func must[T any](answer T, err error) T {
	check(err)
	return answer
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func equal(is, expected any) {
	if !reflect.DeepEqual(is, expected) {
		log.Panicf("%#v is not %#v", is, expected)
	}
}

// That a call was refused with this code and, unless it is empty, this message.
func refused(err error, code, message string) {
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || refusal.ErrorCode() != code {
		log.Panicf("%v is not a refusal with %s", err, code)
	}
	if message != "" {
		equal(refusal.ErrorMessage(), message)
	}
}

// The text of the one delivery that was listed instead of sent.
func kept(choice string) string {
	script := filepath.Join(os.Getenv("FANFARE_TOURS"), "outbox.py")
	out, err := exec.Command(os.Getenv("FANFARE_PYTHON"), script, choice).Output()
	check(err)
	return strings.TrimSpace(string(out))
}

type message struct {
	Kind, Message, MessageId, Token string
	MessageAttributes               map[string]struct{ Type, Value string }
}

// A subscriber: its URL, and what comes in.
func inbox() (string, chan message) {
	arrived := make(chan message, 16)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go http.Serve(listener, http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		came := message{}
		check(json.Unmarshal(must(io.ReadAll(request.Body)), &came))
		came.Kind = request.Header.Get("x-amz-sns-message-type")
		arrived <- came
	}))
	return "http://" + listener.Addr().String() + "/inbox", arrived
}

func next(arrived chan message) message {
	select {
	case came := <-arrived:
		return came
	case <-time.After(30 * time.Second):
		log.Panic("nothing was delivered within 30 seconds")
		panic("unreachable")
	}
}

func topics() *string {
	arn := must(client.CreateTopic(ctx, &sns.CreateTopicInput{
		Name:       text("tour"),
		Attributes: map[string]string{"DisplayName": "Tour"},
		Tags:       []types.Tag{{Key: text("team"), Value: text("a&b <c>")}},
	})).TopicArn
	equal(*arn, "arn:aws:sns:eu-west-1:123456789012:tour")
	_, err := client.CreateTopic(ctx, &sns.CreateTopicInput{Name: text("not a name")})
	refused(err, "InvalidParameter", "Invalid parameter: Topic Name")
	equal(*must(client.ListTopics(ctx, &sns.ListTopicsInput{})).Topics[0].TopicArn, *arn)
	must(client.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{
		TopicArn: arn, AttributeName: text("DisplayName"), AttributeValue: text(`żółć "<&>"`),
	}))
	attributes := must(client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: arn})).Attributes
	equal(attributes["DisplayName"], `żółć "<&>"`)
	must(client.TagResource(ctx, &sns.TagResourceInput{
		ResourceArn: arn, Tags: []types.Tag{{Key: text("stage"), Value: text("test")}},
	}))
	must(client.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"team"}}))
	tags := must(client.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: arn})).Tags
	equal([]int{len(tags)}, []int{1})
	equal([]string{*tags[0].Key, *tags[0].Value}, []string{"stage", "test"})
	return arn
}

func pages() {
	arns := []*string{}
	for n := 0; n < 101; n++ {
		name := fmt.Sprintf("page-%03d", n)
		arns = append(arns, must(client.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name})).TopicArn)
	}
	listed := 0
	for pages := sns.NewListTopicsPaginator(client, &sns.ListTopicsInput{}); pages.HasMorePages(); {
		for _, topic := range must(pages.NextPage(ctx)).Topics {
			if strings.Contains(*topic.TopicArn, ":page-") {
				listed++
			}
		}
	}
	equal(listed, 101)
	for _, arn := range arns {
		must(client.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: arn}))
	}
}

func permissions(arn *string) {
	must(client.AddPermission(ctx, &sns.AddPermissionInput{
		TopicArn: arn, Label: text("partner"),
		AWSAccountId: []string{"210987654321"}, ActionName: []string{"Publish", "Subscribe"},
	}))
	policy := func() string {
		return must(client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: arn})).Attributes["Policy"]
	}
	stated := struct {
		Statement []struct {
			Sid    string
			Action any
		}
	}{}
	check(json.Unmarshal([]byte(policy()), &stated))
	added := stated.Statement[len(stated.Statement)-1]
	equal(added.Sid, "partner")
	equal(added.Action, []any{"SNS:Publish", "SNS:Subscribe"})
	must(client.RemovePermission(ctx, &sns.RemovePermissionInput{TopicArn: arn, Label: text("partner")}))
	equal(strings.Contains(policy(), "partner"), false)
}

func dataProtection(arn *string) {
	policy := `{"Name":"tour","Version":"2021-06-01","Statement":[{"Sid":"hide-addresses","DataDirection":"Inbound",` +
		`"Principal":["*"],"DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],` +
		`"Operation":{"Deidentify":{"MaskConfig":{"MaskWithCharacter":"#"}}}}]}`
	must(client.PutDataProtectionPolicy(ctx, &sns.PutDataProtectionPolicyInput{
		ResourceArn: arn, DataProtectionPolicy: &policy,
	}))
	got := must(client.GetDataProtectionPolicy(ctx, &sns.GetDataProtectionPolicyInput{ResourceArn: arn}))
	equal(*got.DataProtectionPolicy, policy)
}

func number(value string) map[string]types.MessageAttributeValue {
	return map[string]types.MessageAttributeValue{"n": {DataType: text("Number"), StringValue: &value}}
}

func subscriptions(topic *string) {
	url, arrived := inbox()
	asked := must(client.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: topic, Protocol: text("http"), Endpoint: &url, ReturnSubscriptionArn: true,
	}))
	request := next(arrived)
	equal(request.Kind, "SubscriptionConfirmation")
	confirmed := must(client.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: &request.Token}))
	arn := confirmed.SubscriptionArn
	equal(*asked.SubscriptionArn, *arn)
	ofTopic := must(client.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: topic}))
	equal(must(client.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{})).Subscriptions, ofTopic.Subscriptions)
	equal(*ofTopic.Subscriptions[0].SubscriptionArn, *arn)
	must(client.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{
		SubscriptionArn: arn, AttributeName: text("FilterPolicy"), AttributeValue: text(`{"n":[{"numeric":[">",5]}]}`),
	}))
	read := func() (*sns.GetSubscriptionAttributesOutput, error) {
		return client.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: arn})
	}
	equal(must(read()).Attributes["FilterPolicyScope"], "MessageAttributes")

	must(client.Publish(ctx, &sns.PublishInput{TopicArn: topic, Message: text("too small"), MessageAttributes: number("5")}))
	attributes := number("5.5")
	attributes["picture"] = types.MessageAttributeValue{DataType: text("Binary"), BinaryValue: []byte{0, 255}}
	published := must(client.Publish(ctx, &sns.PublishInput{
		TopicArn: topic, Subject: text("a parcel"), Message: text("write to a@example.com & smile \U0001F600"),
		MessageAttributes: attributes,
	}))
	envelope := next(arrived)
	equal(envelope.MessageId, *published.MessageId)
	equal(envelope.Message, "write to ############# & smile \U0001F600")
	equal(envelope.MessageAttributes["picture"], struct{ Type, Value string }{"Binary", "AP8="})

	entries := []types.PublishBatchRequestEntry{
		{Id: text("1"), Message: text("entry 1"), MessageAttributes: number("6")},
		{Id: text("2"), Message: text("entry 2"), MessageAttributes: number("6")},
	}
	batch := must(client.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: entries}))
	equal([]string{*batch.Successful[0].Id, *batch.Successful[1].Id}, []string{"1", "2"})
	texts := []string{next(arrived).Message, next(arrived).Message}
	sort.Strings(texts)
	equal(texts, []string{"entry 1", "entry 2"})
	entries[1].Id = text("1")
	_, err := client.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: topic, PublishBatchRequestEntries: entries})
	var twice *types.BatchEntryIdsNotDistinctException
	equal(errors.As(err, &twice), true)
	must(client.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: arn}))
	_, err = read()
	var absent *types.NotFoundException
	equal(errors.As(err, &absent), true)
}

func textMessages() {
	phone := text("+15550100124")
	must(client.SetSMSAttributes(ctx, &sns.SetSMSAttributesInput{Attributes: map[string]string{"DefaultSMSType": "Promotional"}}))
	read := must(client.GetSMSAttributes(ctx, &sns.GetSMSAttributesInput{Attributes: []string{"DefaultSMSType"}}))
	equal(read.Attributes, map[string]string{"DefaultSMSType": "Promotional"})
	equal(must(client.GetSMSSandboxAccountStatus(ctx, &sns.GetSMSSandboxAccountStatusInput{})).IsInSandbox, false)
	must(client.CreateSMSSandboxPhoneNumber(ctx, &sns.CreateSMSSandboxPhoneNumberInput{PhoneNumber: phone}))
	password := regexp.MustCompile(`\d{5,8}`).FindString(kept("destination=" + *phone))
	wrong := "00000"
	if password == wrong {
		wrong = "00001"
	}
	verify := func(password string) error {
		_, err := client.VerifySMSSandboxPhoneNumber(ctx, &sns.VerifySMSSandboxPhoneNumberInput{
			PhoneNumber: phone, OneTimePassword: &password,
		})
		return err
	}
	var unverified *types.VerificationException
	equal(errors.As(verify(wrong), &unverified), true)
	check(verify(password))
	numbers := must(client.ListSMSSandboxPhoneNumbers(ctx, &sns.ListSMSSandboxPhoneNumbersInput{})).PhoneNumbers
	equal([]string{*numbers[0].PhoneNumber, string(numbers[0].Status)}, []string{*phone, "Verified"})
	must(client.DeleteSMSSandboxPhoneNumber(ctx, &sns.DeleteSMSSandboxPhoneNumberInput{PhoneNumber: phone}))
	equal(len(must(client.ListOriginationNumbers(ctx, &sns.ListOriginationNumbersInput{})).PhoneNumbers), 0)
	optedOut := must(client.CheckIfPhoneNumberIsOptedOut(ctx, &sns.CheckIfPhoneNumberIsOptedOutInput{PhoneNumber: phone}))
	equal(optedOut.IsOptedOut, false)
	equal(len(must(client.ListPhoneNumbersOptedOut(ctx, &sns.ListPhoneNumbersOptedOutInput{})).PhoneNumbers), 0)
	must(client.OptInPhoneNumber(ctx, &sns.OptInPhoneNumberInput{PhoneNumber: phone}))
	sent := must(client.Publish(ctx, &sns.PublishInput{PhoneNumber: phone, Message: text("the parcel is here")}))
	equal(kept("messageId="+*sent.MessageId), "the parcel is here")
}

func devices() {
	app := must(client.CreatePlatformApplication(ctx, &sns.CreatePlatformApplicationInput{
		Name: text("tour"), Platform: text("ADM"),
		Attributes: map[string]string{"PlatformPrincipal": "client-id", "PlatformCredential": "client-secret"},
	})).PlatformApplicationArn
	must(client.SetPlatformApplicationAttributes(ctx, &sns.SetPlatformApplicationAttributesInput{
		PlatformApplicationArn: app, Attributes: map[string]string{"SuccessFeedbackSampleRate": "50"},
	}))
	attributes := must(client.GetPlatformApplicationAttributes(ctx, &sns.GetPlatformApplicationAttributesInput{
		PlatformApplicationArn: app,
	})).Attributes
	equal(attributes["SuccessFeedbackSampleRate"], "50")
	equal(len(must(client.ListPlatformApplications(ctx, &sns.ListPlatformApplicationsInput{})).PlatformApplications), 1)
	create := func(data *string) (*sns.CreatePlatformEndpointOutput, error) {
		return client.CreatePlatformEndpoint(ctx, &sns.CreatePlatformEndpointInput{
			PlatformApplicationArn: app, Token: text("a-token"), CustomUserData: data,
		})
	}
	arn := must(create(nil)).EndpointArn
	_, err := create(text("other"))
	refused(err, "InvalidParameter", "")
	equal(regexp.MustCompile(`arn:aws:sns\S+`).FindString(err.Error()), *arn)
	must(client.SetEndpointAttributes(ctx, &sns.SetEndpointAttributesInput{
		EndpointArn: arn, Attributes: map[string]string{"CustomUserData": "somebody"},
	}))
	data := must(client.GetEndpointAttributes(ctx, &sns.GetEndpointAttributesInput{EndpointArn: arn})).Attributes["CustomUserData"]
	equal(data, "somebody")
	endpoints := must(client.ListEndpointsByPlatformApplication(ctx, &sns.ListEndpointsByPlatformApplicationInput{
		PlatformApplicationArn: app,
	})).Endpoints
	equal(*endpoints[0].EndpointArn, *arn)
	sent := must(client.Publish(ctx, &sns.PublishInput{TargetArn: arn, Message: text("ding")}))
	equal(strings.Contains(kept("messageId="+*sent.MessageId), "ding"), true)
	must(client.DeleteEndpoint(ctx, &sns.DeleteEndpointInput{EndpointArn: arn}))
	must(client.DeletePlatformApplication(ctx, &sns.DeletePlatformApplicationInput{PlatformApplicationArn: app}))
}

func main() {
	endpoint := aws.EndpointResolverWithOptionsFunc(func(service, region string, options ...any) (aws.Endpoint, error) {
		return aws.Endpoint{URL: os.Getenv("AWS_ENDPOINT_URL"), SigningRegion: region}, nil
	})
	settings := must(config.LoadDefaultConfig(ctx, config.WithEndpointResolverWithOptions(endpoint)))
	settings.APIOptions = append(settings.APIOptions, note)
	client = sns.NewFromConfig(settings)
	arn := topics()
	pages()
	permissions(arn)
	dataProtection(arn)
	subscriptions(arn)
	textMessages()
	devices()
	must(client.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: arn}))
	names := []string{}
	for name := range called {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Println(strings.Join(names, "\n"))
}
