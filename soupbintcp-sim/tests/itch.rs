//! ITCH 5.0 messages, judged by a parser that nobody here wrote.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use itch5::messages as theirs;
use itch5::{MessageHandler, Parser};
use soupbintcp_sim::binary_file::Writer;
use soupbintcp_sim::day::Day;
use soupbintcp_sim::itch::{Body, DecodeError, KINDS, LENGTH_MAX, Message, Price, Stock};

/// Compares what the other parser understands with what was meant.
struct Judge {
    meant: std::vec::IntoIter<Message>,
    kinds: BTreeSet<u8>,
}

/// A letter as the other parser names it; it must have a name.
fn named<T: std::fmt::Debug>(letter: T) -> String {
    let name = format!("{letter:?}");
    assert!(!name.contains("Unknown"), "{name}");
    name
}

impl Judge {
    fn next(&mut self, kind: u8, locate: u16, timestamp: &theirs::Timestamp) -> Body {
        let message = self.meant.next().unwrap();
        assert_eq!(message.body.kind(), kind);
        assert_eq!(message.header.locate, locate);
        assert_eq!(message.header.timestamp.nanos(), timestamp.to_u64());
        self.kinds.insert(kind);
        message.body
    }
}

/// `handle!(method, Theirs, Body::Ours, |meant, found| fields)`: the same values in both.
macro_rules! handle {
    ($method:ident, $theirs:ident, $locate:ident, $ours:ident, |$meant:ident, $found:ident| [$($a:expr => $b:expr),* $(,)?]) => {
        fn $method(&mut self, $found: &theirs::$theirs) -> ControlFlow<()> {
            let body = self.next(theirs::$theirs::TAG, $found.$locate(), $found.timestamp());
            let Body::$ours($meant) = body else { unreachable!("{body:?}") };
            $(assert_eq!($a, $b, "{:?}", $meant);)*
            ControlFlow::Continue(())
        }
    };
}

fn stock(symbol: &theirs::Symbol) -> Stock {
    Stock::parse(symbol.as_str().trim_end()).unwrap()
}

fn price(price: &theirs::Price4) -> Price {
    Price(price.into_u32())
}

impl MessageHandler for Judge {
    handle!(on_system_event, SystemEvent, stock_locate, SystemEvent, |meant, found| [
        named(theirs::SystemEventCode::from_byte(meant.code.letter())) => named(found.event_code()),
    ]);
    handle!(on_stock_directory, StockDirectory, stock_locate, StockDirectory, |meant, found| [
        meant.stock => stock(found.stock()),
        named(theirs::MarketCategory::from_byte(meant.market_category)) => named(found.market_category()),
        meant.round_lot => found.round_lot_size(),
        named(theirs::RoundLotsOnly::from_byte(meant.round_lots_only)) => named(found.round_lots_only()),
        named(theirs::IssueClassificationCode::from_byte(meant.classification)) => named(found.issue_classification()),
        named(theirs::IssueSubTypeCode::from_bytes(meant.subtype)) => named(found.issue_sub_type()),
        matches!(found.authenticity(), theirs::Authenticity::LiveProduction) => meant.authenticity == b'P',
        named(theirs::ShortSaleThresholdIndicator::from_byte(meant.short_sale_threshold)) => named(found.short_sale_threshold_indicator()),
        named(theirs::IpoFlag::from_byte(meant.ipo)) => named(found.ipo_flag()),
        named(theirs::LuldReferencePriceTier::from_byte(meant.luld_tier)) => named(found.luld_reference_price_tier()),
        named(theirs::EtpFlag::from_byte(meant.etp)) => named(found.etp_flag()),
        meant.leverage => found.etp_leverage_factor(),
        named(theirs::InverseIndicator::from_byte(meant.inverse)) => named(found.inverse_indicator()),
    ]);
    handle!(on_stock_trading_action, StockTradingAction, stock_locate, TradingAction, |meant, found| [
        meant.stock => stock(found.stock()),
        named(theirs::TradingState::from_byte(meant.state.letter())) => named(found.trading_state()),
        meant.reserved => found.reserved(),
        named(found.reason()).is_empty() => false,
    ]);
    handle!(on_reg_sho_restriction, RegSHORestriction, locate_code, RegSho, |meant, found| [
        meant.stock => stock(found.stock()),
        named(theirs::RegShoAction::from_byte(meant.action)) => named(found.reg_sho_action()),
    ]);
    handle!(on_market_participant_position, MarketParticipantPosition, stock_locate, ParticipantPosition, |meant, found| [
        &meant.participant[..] => found.mpid(),
        meant.stock => stock(found.stock()),
        named(theirs::PrimaryMarketMaker::from_byte(meant.is_primary)) => named(found.primary_market_maker()),
        matches!(found.market_maker_mode(), theirs::MarketMakerMode::Normal) => meant.mode == b'N',
        named(theirs::MarketParticipantState::from_byte(meant.state)) => named(found.market_participant_state()),
    ]);
    handle!(on_mwcb_decline_level, MWCBDeclineLevel, stock_locate, DeclineLevels, |meant, found| [
        meant.level1.0 => found.level_1().into_u64(),
        meant.level2.0 => found.level_2().into_u64(),
        meant.level3.0 => found.level_3().into_u64(),
    ]);
    handle!(on_mwcb_status, MWCBStatus, stock_locate, DeclineStatus, |meant, found| [
        named(theirs::BreachedLevel::from_byte(meant.level)) => named(found.breached_level()),
    ]);
    handle!(on_quoting_period_update, QuotingPeriodUpdate, stock_locate, QuotingPeriod, |meant, found| [
        meant.stock => stock(found.stock()),
        meant.release_time => found.ipo_quotation_release_time(),
        named(theirs::IpoQuotationReleaseQualifier::from_byte(meant.qualifier)) => named(found.ipo_quotation_release_qualifier()),
        meant.price => price(found.ipo_price()),
    ]);
    handle!(on_luld_auction_collar, LULDAuctionCollar, stock_locate, LuldCollar, |meant, found| [
        meant.stock => stock(found.stock()),
        meant.reference => price(found.auction_collar_reference_price()),
        meant.upper => price(found.upper_auction_collar_price()),
        meant.lower => price(found.lower_auction_collar_price()),
        meant.extension => found.auction_collar_extension().into_u32(),
    ]);
    handle!(on_operational_halt, OperationalHalt, stock_locate, OperationalHalt, |meant, found| [
        meant.stock => stock(found.stock()),
        named(theirs::MarketCode::from_byte(meant.market)) => named(found.market_code()),
        named(theirs::OperationalHaltAction::from_byte(meant.action)) => named(found.operational_halt_action()),
    ]);
    handle!(on_add_order_no_mpid_attribution, AddOrderNoMPIDAttribution, stock_locate, AddOrder, |meant, found| [
        meant.reference.0 => found.order_reference_number(),
        named(theirs::BuySellIndicator::from_byte(meant.side.letter())) => named(found.buy_sell_indicator()),
        meant.shares => found.shares(),
        meant.stock => stock(found.stock()),
        meant.price => price(found.price()),
    ]);
    handle!(on_add_order_with_mpid_attribution, AddOrderWithMPIDAttribution, stock_locate, AttributedOrder, |meant, found| [
        meant.reference.0 => found.order_reference_number(),
        named(theirs::BuySellIndicator::from_byte(meant.side.letter())) => named(found.buy_sell_indicator()),
        meant.shares => found.shares(),
        meant.stock => stock(found.stock()),
        meant.price => price(found.price()),
        &meant.participant[..] => found.attribution(),
    ]);
    handle!(on_order_executed, OrderExecuted, stock_locate, OrderExecuted, |meant, found| [
        meant.reference.0 => found.order_reference_number(),
        meant.shares => found.executed_shares(),
        meant.match_number.0 => found.match_number(),
    ]);
    handle!(on_order_executed_with_price, OrderExecutedWithPrice, stock_locate, OrderExecutedAtPrice, |meant, found| [
        meant.reference.0 => found.order_reference_number(),
        meant.shares => found.executed_shares(),
        meant.match_number.0 => found.match_number(),
        named(theirs::Printable::from_byte(meant.printable)) => named(found.printable()),
        meant.price => price(found.execution_price()),
    ]);
    handle!(on_order_cancel, OrderCancel, stock_locate, OrderCancel, |meant, found| [
        meant.reference.0 => found.order_reference_number(),
        meant.shares => found.cancelled_shares(),
    ]);
    handle!(on_order_delete, OrderDelete, stock_locate, OrderDelete, |meant, found| [
        meant.reference.0 => found.order_reference_number(),
    ]);
    handle!(on_order_replace, OrderReplace, stock_locate, OrderReplace, |meant, found| [
        meant.old.0 => found.original_order_reference_number(),
        meant.new.0 => found.new_order_reference_number(),
        meant.shares => found.shares(),
        meant.price => price(found.price()),
    ]);
    handle!(on_trade, Trade, stock_locate, Trade, |meant, found| [
        meant.reference.0 => found.order_reference_number(),
        named(theirs::BuySellIndicator::from_byte(meant.side.letter())) => named(found.buy_sell_indicator()),
        meant.shares => found.shares(),
        meant.stock => stock(found.stock()),
        meant.price => price(found.price()),
        meant.match_number.0 => found.match_number(),
    ]);
    handle!(on_cross_trade, CrossTrade, stock_locate, CrossTrade, |meant, found| [
        meant.shares => found.shares(),
        meant.stock => stock(found.stock()),
        meant.price => price(found.cross_price()),
        meant.match_number.0 => found.match_number(),
        named(theirs::CrossType::from_byte(meant.cross.letter())) => named(found.cross_type()),
    ]);
    handle!(on_broken_trade, BrokenTrade, stock_locate, BrokenTrade, |meant, found| [
        meant.match_number.0 => found.match_number(),
    ]);
    handle!(on_net_order_imbalance_indicator, NetOrderImbalanceIndicator, stock_locate, ImbalanceIndicator, |meant, found| [
        meant.paired => found.paired_shares(),
        meant.imbalance => found.imbalance_shares(),
        named(theirs::ImbalanceDirection::from_byte(meant.direction.letter())) => named(found.imbalance_direction()),
        meant.stock => stock(found.stock()),
        meant.far => price(found.far_price()),
        meant.near => price(found.near_price()),
        meant.reference => price(found.current_reference_price()),
        named(theirs::CrossType::from_byte(meant.cross.letter())) => named(found.cross_type()),
        named(theirs::PriceVariationIndicator::from_byte(meant.variation)) => named(found.price_variation_indicator()),
    ]);
    handle!(on_retail_price_improvement_indicator, RetailPriceImprovementIndicator, stock_locate, RetailInterest, |meant, found| [
        meant.stock => stock(found.stock()),
        named(theirs::InterestFlag::from_byte(meant.interest)) => named(found.interest_flag()),
    ]);
    handle!(on_direct_listing_with_capital_raise_price_discovery, DirectListingwithCapitalRaisePriceDiscovery, stock_locate, DirectListing, |meant, found| [
        meant.stock => stock(found.stock()),
        named(theirs::OpenEligibilityStatus::from_byte(meant.is_open)) => named(found.open_eligibility_status()),
        meant.minimum => price(found.minimum_allowable_price()),
        meant.maximum => price(found.maximum_allowable_price()),
        meant.near => price(found.near_execution_price()),
        meant.near_time => found.near_execution_time(),
        meant.lower => price(found.lower_price_range_collar()),
        meant.upper => price(found.upper_price_range_collar()),
    ]);
}

#[test]
fn another_parser_reads_what_was_meant() {
    let mut stream = Day::new(7).from(1);
    let meant: Vec<_> = (0..60_000).map(|_| stream.advance()).collect();
    let mut writer = Writer::new(Vec::new());
    for message in &meant {
        writer.write(message.encode(&mut [0; LENGTH_MAX])).unwrap();
    }
    // This parser takes the file's end for its end, and knows no end mark.
    let file = writer.finish().unwrap();
    let mut judge = Judge {
        meant: meant.into_iter(),
        kinds: BTreeSet::new(),
    };
    Parser::new(&file).parse_stream(&mut judge).unwrap();
    assert!(judge.meant.next().is_none());
    assert_eq!(judge.kinds.len(), KINDS.len());
}

#[test]
fn every_kind_is_read_back() {
    let mut stream = Day::new(7).from(1);
    for _ in 0..20_000 {
        let message = stream.advance();
        let mut buffer = [0; LENGTH_MAX];
        let bytes = message.encode(&mut buffer);
        assert_eq!(Message::decode(bytes), Ok(message));
        assert!(KINDS.contains(&(bytes[0], bytes.len())));
    }
}

#[test]
fn what_is_no_message_is_named() {
    let day = Day::new(7);
    let said = |bytes: &[u8]| Message::decode(bytes).unwrap_err().to_string();
    assert_eq!(Message::decode(b""), Err(DecodeError::Empty));
    assert_eq!(said(b"z"), "no ITCH 5.0 message begins with byte 0x7a");
    let mut bytes = day.message(1);
    bytes.push(0);
    assert_eq!(said(&bytes), "message S has 13 bytes; ITCH 5.0 gives it 12");
    bytes.truncate(11);
    assert_eq!(said(&bytes), "message S has 11 bytes; ITCH 5.0 gives it 12");
    bytes.push(b'?');
    assert_eq!(said(&bytes), "message S: code means nothing");
    let mut bytes = day.message(2);
    bytes[11..19].fill(b' ');
    assert_eq!(said(&bytes), "message R: stock means nothing");
}

#[test]
fn symbols_are_visible() {
    assert_eq!(Stock::parse("BRK.A").unwrap().to_string(), "BRK.A");
    for wrong in ["", "NINELONGS", "A B", "Ä", "A\0"] {
        assert!(Stock::parse(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(Price(1_234_500).to_string(), "123.4500");
}
